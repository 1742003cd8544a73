import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const program = fileURLToPath(new URL('../../fixtures/checkpoint/diskFull.mjs', import.meta.url));
const root = temporaryFolder();

interface Outcome {
  readonly refusedPart: unknown;
  readonly left: readonly string[];
  readonly afterPart: number;
  readonly refusedManifest: unknown;
  readonly leftOfThird: readonly string[];
  readonly afterManifest: number;
  readonly atLast: number;
}

function outcomeOf(words: readonly string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(words[0]!, words.slice(1), { encoding: 'utf8', timeout: 30_000 });
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Outcome;
}

/** A mount that only the processes below see, and that goes with them; as root, or as one in a user namespace. */
const mounting = [['-m'], ['-Urm']]
  .map((flags) => ['unshare', ...flags])
  .find(([command, ...flags]) => spawnSync(command!, [...flags, 'mount', '-t', 'tmpfs', 'tmpfs', root]).status === 0);

test.skipIf(!mounting)(
  'a disk that is full is told with its remedy, and costs no older checkpoint (needs the right to mount)',
  () => {
    const disk = join(root, 'disk');
    mkdirSync(disk);
    const script = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" "$3" "$1/run" fill';
    const outcome = outcomeOf([...mounting!, 'sh', '-c', script, 'sh', disk, process.execPath, program]);
    const [second, third] = [2, 3].map((step) => join(disk, 'run', 'checkpoints', `step-0000000${step}`));
    const told = (path: string) => ({
      ...{ name: 'CheckpointError', path, code: 'ENOSPC' },
      message: `${path}: cannot be written: the disk is full (ENOSPC); free some space, or keep fewer checkpoints (checkpoints.keep)`,
    });
    expect(outcome).toEqual({
      refusedPart: told(join(second!, 'worker-0.safetensors')),
      left: [],
      afterPart: 1,
      refusedManifest: told(join(third!, 'manifest.json')),
      leftOfThird: ['worker-0.safetensors'],
      afterManifest: 1,
      atLast: 3,
    });
  },
);

test('a file that may not become so large is told with its remedy, and costs no older checkpoint', () => {
  const run = join(root, 'limited');
  const outcome = outcomeOf([
    'sh',
    '-c',
    'ulimit -f 2000 && exec "$1" "$2" "$3"',
    'sh',
    process.execPath,
    program,
    run,
  ]);
  expect(outcome).toMatchObject({
    ...{ left: [], afterPart: 1, atLast: 3 },
    refusedPart: {
      name: 'CheckpointError',
      code: 'EFBIG',
      message: expect.stringContaining('raise the limit (ulimit -f)'),
    },
  });
});
