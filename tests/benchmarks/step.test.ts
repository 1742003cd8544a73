import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { installedEngine } from '../../src/engine/install/location.ts';

const MINUTES = 60_000;
const script = fileURLToPath(new URL('../../scripts/bench.mjs', import.meta.url));

const bench = async (...args: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...args]);
  return stdout;
};

test('without a name, every benchmark is listed with what it measures', async () => {
  expect(await bench()).toMatch(/^ {2}step +Time and memory of one training step.*\.$/m);
});

test('a name that is none ends with 2 and tells the names', async () => {
  await expect(bench('stepp')).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('step') });
});

describe.skipIf(!installedEngine())('the step', () => {
  const small = ['step', '--features', '2', '--steps', '1', '--rounds', '1', '--threads', '1', '--json'];

  test(
    'is measured beside that of another program',
    async () => {
      const peer = `echo hello; echo '{"step_seconds": 4, "peak_mib": [10, 20], "more": true}'`;
      const result = JSON.parse((await bench(...small, '--peer', peer)).split('\n').at(-2)!);
      expect(result).toMatchObject({ features: 2, size: 64, threads: 1, micro_batches: 1, recompute: 'never' });
      expect(result.machine.cores).toBeGreaterThan(0);
      expect(result.ours.step_seconds).toBeGreaterThan(0);
      expect(result.ours.peak_mib).toBeGreaterThan(50);
      expect(result.peer).toMatchObject({ step_seconds: 4, peak_mib: 30, rounds: [4] });
      expect(result.ratio.of_medians).toBeCloseTo(result.ours.step_seconds / 4, 9);
      expect(result.ratio.median_of_pairs).toBeCloseTo(result.ratio.of_medians, 9);
    },
    5 * MINUTES,
  );

  test(
    'cannot be compared with a program that reports nothing',
    async () => {
      await expect(bench(...small, '--peer', 'echo hello')).rejects.toMatchObject({
        stderr: expect.stringContaining('no line of JSON was printed by: echo hello'),
      });
    },
    5 * MINUTES,
  );
});
