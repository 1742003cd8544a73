import { describe, expect, it } from 'vitest';
import type { TimedStep } from '../../../src/coordinator/bench/contender.ts';
import { figuresOf, rateOf, undisturbed, type Observed } from '../../../src/coordinator/bench/figures.ts';
import type { Subject } from '../../../src/coordinator/bench/subject.ts';
import { spreadOf } from '../../../src/partition/spread.ts';
import { schedules } from '../../../src/pipeline/schedules.ts';

/** Steps of two workers, each of which waits for the other's micro-batch: a quarter and a half of the step. */
const recording = {
  begin: 0,
  records: [
    {
      schedule: schedules.gpipe.generate({ stages: 2, microBatches: 1 }),
      routes: { stages: 2, portals: [] },
      spans: [
        [
          { action: '0F0', begin: 0, waited: 0, end: 2 },
          { action: '0B0', begin: 2, waited: 3, end: 4 },
        ],
        [
          { action: '1F0', begin: 0, waited: 2, end: 3 },
          { action: '1B0', begin: 3, waited: 3, end: 4 },
        ],
      ],
    },
  ],
};
const step = (seconds: readonly number[], disturbance?: number): TimedStep => ({
  ...{ seconds, recordings: [recording], bytesSent: 10, peakBytes: [], disturbance },
});
const observe = (subject: Subject, steps: readonly TimedStep[]): Observed => ({
  ...{ subject, steps, peaks: [1, 2], predicted: undefined },
});

describe('the figures of a benchmark', () => {
  const microBatches = 4;
  const figures = figuresOf(
    [
      observe({ kind: 'independent', workers: 1, microBatches }, [step([2])]),
      observe({ kind: 'independent', workers: 2, microBatches }, [step([2, 4]), step([2, 4])]),
      observe({ kind: 'pipeline', workers: 2, microBatches, schedule: 'gpipe' }, [step([3]), step([1]), step([2.5])]),
    ],
    { samples: 8, voxels: 1000 },
  );

  it('are rates by the median step; of independent workers, their sum', () => {
    expect(figures.map(({ samplesPerSecond }) => samplesPerSecond)).toEqual([4, 6, 3.2]);
    expect(figures[2]!.voxelsPerSecond).toBe(3200);
  });

  it('are over one worker, and of what as many independent ones do', () => {
    expect(figures[2]!.speedUp).toBeCloseTo(0.8);
    expect(figures[2]!.efficiency).toBeCloseTo(3.2 / 6);
    expect(figures[1]!.efficiency).toBe(1);
  });

  it('have the part of the step in which each worker waits', () => {
    expect(figures[2]!.bubbles).toEqual([0.25, 0.5]);
    expect(figures[2]!.bubble.measured).toBe(0.375);
  });

  it('are unknown beside what was not measured', () => {
    const subject: Subject = { kind: 'pipeline', workers: 2, microBatches, schedule: '1f1b' };
    const [alone] = figuresOf([observe(subject, [step([1])])], { samples: 1, voxels: 1 });
    expect(alone).toMatchObject({ speedUp: undefined, efficiency: undefined });
  });
});

it('steps count that others left alone; where there are too few, the three least disturbed', () => {
  const steps = [0.4, 0.01, 0.2, 0.02, 0.04].map((share) => step([share], share));
  expect(undisturbed(steps).map(({ disturbance }) => disturbance)).toEqual([0.01, 0.02, 0.04]);
  expect(undisturbed(steps.slice(0, 4)).map(({ disturbance }) => disturbance)).toEqual([0.01, 0.02, 0.2]);
  const unknown = [1, 2, 3, 4].map((seconds) => step([seconds]));
  expect(undisturbed(unknown)).toEqual(unknown);
});

it('nothing has no rate', () => {
  expect(rateOf([], 8)).toBe(0);
  expect(spreadOf([3, 1, 2, 4])).toEqual({ median: 2.5, lower: 1.75, upper: 3.25 });
});
