import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LampProcess } from '../support/lampProcess.ts';
import { until } from '../support/processes.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { lampWith } from './lamp.ts';

const root = temporaryFolder();
const run = join(root, 'brain');
const line = (process: string, second: number, fields: Record<string, unknown> = {}): string => {
  const time = new Date(2026, 10, 24, 9, 0, second).toISOString();
  return `${JSON.stringify({ level: 'info', time, process, pid: 1, host: 'a', msg: `at ${second}`, ...fields })}\n`;
};
mkdirSync(join(run, 'logs'), { recursive: true });
writeFileSync(
  join(run, 'logs', 'coordinator.jsonl'),
  line('coordinator', 1) + line('coordinator', 4, { level: 'error', step: 2 }),
);
writeFileSync(join(run, 'logs', 'worker-0.jsonl'), `${line('worker 0', 2)}${line('worker 0', 3, { step: 1 })}{"lev`);

const shown = async (...words: readonly string[]): Promise<string[]> => {
  const { code, out, err } = await lampWith({}, 'logs', run, ...words);
  expect([code, err]).toEqual([0, '']);
  return out.trimEnd().split('\n');
};

test('the logs of a run are one, under the day, in columns', async () => {
  expect(await shown()).toEqual([
    '2026-11-24',
    '09:00:01.000  info   coordinator  at 1',
    '09:00:02.000  info   worker 0     at 2',
    '09:00:03.000  info   worker 0     step 1  at 3',
    '09:00:03.000  ?????  worker 0     damaged line: {"lev',
    '09:00:04.000  error  coordinator  step 2  at 4',
  ]);
});

test('by level, by process and since a step, a part of it', async () => {
  expect(await shown('--level', 'warn', '--process', 'coordinator')).toEqual([
    '2026-11-24',
    '09:00:04.000  error  coordinator  step 2  at 4',
  ]);
  expect(await shown('--since', '2')).toHaveLength(2);
  expect(await shown('--since', '2026-11-24T09:00:03')).toHaveLength(4);
});

test('as JSON, the lines as they were written', async () => {
  const lines = (await shown('--json')).map((text) => JSON.parse(text) as Record<string, unknown>);
  expect(lines.map(({ msg, damaged }) => msg ?? damaged)).toEqual(['at 1', 'at 2', 'at 3', '{"lev', 'at 4']);
});

test('what is no run, no time or no level ends with code 2', async () => {
  expect(await lampWith({}, 'logs', root)).toMatchObject({ code: 2, out: '' });
  const noTime = await lampWith({}, 'logs', run, '--since', 'noon');
  expect([noTime.code, noTime.err]).toEqual([2, expect.stringContaining('Give a step (120), a time ago')]);
  expect(await lampWith({}, 'logs', run, '--level', 'loud')).toMatchObject({ code: 2 });
});

test('they are followed until somebody ends it', { timeout: 60_000 }, async () => {
  const lamp = new LampProcess(['logs', run, '--follow', '--process', 'loader']);
  writeFileSync(join(run, 'logs', 'loader.jsonl'), line('loader', 1));
  await until(() => lamp.out.includes('at 1'));
  writeFileSync(join(run, 'logs', 'loader.jsonl'), line('loader', 5), { flag: 'a' });
  await until(() => lamp.out.includes('at 5'));
  lamp.press('SIGINT');
  expect(await lamp.ended).toBe('SIGINT');
  expect(lamp.err).toBe('');
});
