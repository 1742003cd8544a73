import { describe, expect, it } from 'vitest';
import { checkPlan, PlanError, planFaults } from '../../src/partition/limits.ts';
import type { PlanRequest } from '../../src/partition/limits.ts';

const possible: PlanRequest = {
  cells: 30,
  workers: 4,
  batchSize: 8,
  microBatches: 4,
  spatialSize: [96, 64, 32],
  spatialKey: 'data.patch_size',
  spatialDims: 3,
  divisor: 32,
};

describe('a plan', () => {
  it.each<Partial<PlanRequest>>([
    {},
    { workers: 1 },
    { workers: 30 },
    { microBatches: 1 },
    { microBatches: 8 },
    { balance: [10, 10, 5, 5] },
    { spatialDims: 2, spatialSize: [32, 64] },
  ])('can be carried out with %j', (change) => {
    expect(planFaults({ ...possible, ...change })).toEqual([]);
    expect(() => checkPlan({ ...possible, ...change })).not.toThrow();
  });

  it.each<[Partial<PlanRequest>, string, string]>([
    [{ workers: 40 }, '40 workers', '--workers 30'],
    [{ workers: 0 }, '0 workers', 'allowed are 1 to 30'],
    [{ workers: 2.5 }, '2.5 workers', 'allowed are 1 to 30'],
    [{ microBatches: 9 }, '9 micro-batches of a batch of 8', '--micro-batches 8, or training.batch_size 9'],
    [{ microBatches: 0 }, '0 micro-batches', 'allowed are 1 to 8'],
    [{ spatialSize: [96, 100, 32] }, '96 × 100 × 32 has 100 along y', 'give 96 or 128 there'],
    [{ spatialSize: [96, 96, 20] }, '20 along z, which is no multiple of 32', 'give 32 there'],
    [{ spatialSize: [0, 96, 32] }, '0 along x', 'give 32 there'],
    [{ spatialSize: [96, 96] }, '96 × 96 has 2 spatial axes', 'give 3 sizes'],
    [{ balance: [10, 10] }, '[10, 10] adds up to 20 cells, but the model has 30', 'such as [15, 15]'],
    [
      { balance: [10, 20] },
      '[10, 20] is for 2 workers, but there are 4',
      '--workers 2, or a balance such as [8, 8, 7, 7]',
    ],
  ])('cannot with %j', (change, problem, remedy) => {
    const faults = planFaults({ ...possible, ...change });
    expect(faults).toHaveLength(1);
    expect(faults[0]?.problem).toContain(problem);
    expect(faults[0]?.remedy).toContain(remedy);
  });

  it('is refused with every fault at once, each under its key', () => {
    const request = { ...possible, workers: 99, microBatches: 99, spatialSize: [1, 2, 32], balance: [1] };
    let error: unknown;
    try {
      checkPlan({ ...request, spatialKey: 'brain.nii.gz' });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(PlanError);
    expect((error as PlanError).faults.map(({ key }) => key)).toEqual([
      'pipeline.workers',
      'pipeline.micro_batches',
      'brain.nii.gz',
      'brain.nii.gz',
      'pipeline.balance',
    ]);
    expect((error as PlanError).message.split('\n')).toHaveLength(6);
  });
});
