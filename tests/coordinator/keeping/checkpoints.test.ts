import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writePart } from '../../../src/checkpoint/training/writer.ts';
import type { Fleet } from '../../../src/coordinator/fleet/fleet.ts';
import { Checkpoints } from '../../../src/coordinator/keeping/checkpoints.ts';
import { resumePoint } from '../../../src/coordinator/keeping/resume.ts';
import type { TrainingState } from '../../../src/coordinator/keeping/trainingState.ts';
import { smallState } from '../../support/checkpoints.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const folder = temporaryFolder();

/** One worker that writes what it is asked to. */
const fleet = {
  workers: [{}],
  request: async (_role: string, _kind: 'store', { step, file }: { step: number; file: string }) => ({
    outcome: { kind: 'written', ...(await writePart(file, smallState(step))) },
  }),
} as unknown as Fleet;

const stateAt = (steps: number): TrainingState => ({
  ...{ run: 'small', phase: 0, ended: [] },
  current: {
    ...{ steps, epochs: 0, updates: steps, seconds: 0, leftOut: { row: 0, rateFactor: 1 }, ensembling: undefined },
    validations: {
      found: { mean: undefined, structures: {} },
      ...{ best: undefined, patience: { best: Number.NaN, waited: 0 }, images: 0 },
    },
  },
  layout: {
    ...{ workers: 1, replicas: 1, settings: '', cells: [1], placement: [0], schedule: 'gpipe', microBatches: 1 },
    ...{ recompute: 'never', threaded: [], cellTimes: [1], durations: null },
  },
});

test('the checkpoint of the best validation stays until there is a better one, also of a run that was resumed', async () => {
  const runDirectory = join(folder, 'run');
  mkdirSync(runDirectory);
  writeFileSync(join(runDirectory, 'run.yaml'), 'name: small\n');
  const made: Checkpoints[] = [];
  const begin = (): Checkpoints => {
    const checkpoints = new Checkpoints({ runDirectory, keep: 1, report: () => {} });
    made.push(checkpoints);
    return checkpoints;
  };
  const save = async (checkpoints: Checkpoints, step: number, best = false): Promise<number[]> => {
    await checkpoints.save(fleet, { step, epoch: 0, phase: undefined }, stateAt(step), best);
    return readdirSync(join(runDirectory, 'checkpoints')).map((name) => Number(name.slice('step-'.length)));
  };
  const resume = async (): Promise<Checkpoints> => {
    const checkpoints = begin();
    const point = await resumePoint(runDirectory, () => {});
    checkpoints.goOn(point!.state);
    return checkpoints;
  };
  try {
    const first = begin();
    expect(await save(first, 1)).toEqual([1]);
    expect(readFileSync(join(runDirectory, 'checkpoints', 'step-00000001', 'run.yaml'), 'utf8')).toBe('name: small\n');
    expect(await save(first, 2, true)).toEqual([2]);
    expect(await save(first, 3)).toEqual([2, 3]);
    const second = await resume();
    expect(await save(second, 4)).toEqual([2, 4]);
    // And once more, since the one that it was found in is gone by then.
    const third = await resume();
    expect(await save(third, 5)).toEqual([2, 5]);
    expect(await save(third, 6, true)).toEqual([6]);
  } finally {
    for (const checkpoints of made) await checkpoints.dispose();
  }
});
