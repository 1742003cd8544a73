import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const program = fileURLToPath(new URL('../../scripts/countTests.mjs', import.meta.url));
const report = join(temporaryFolder(), 'report.json');

function count(text: string) {
  writeFileSync(report, text);
  const { status, stdout } = spawnSync(process.execPath, [program, report], { encoding: 'utf8' });
  return { status, stdout };
}

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((each) => ({ status: each })),
});

test('tests are counted, and a file that failed as a whole counts as one', () => {
  const testResults = [
    file('passed', 'passed', 'passed', 'pending'),
    file('failed', 'passed', 'failed'),
    file('failed'),
  ];
  expect(count(JSON.stringify({ testResults }))).toEqual({ status: 0, stdout: '3 passed, 2 failed, 1 skipped\n' });
});

test.each([
  ['', 'a report that was never written'],
  ['{"testResults": [', 'half a report'],
  ['{"testResults": []}', 'no test'],
])('%j (%s) is a failure', (text) => {
  expect(count(text)).toEqual({ status: 1, stdout: '0 passed, 0 failed\n' });
});
