import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { peakActivations } from '../../src/pipeline/activations.ts';
import { bubbleOf } from '../../src/pipeline/bubble.ts';
import type { StageDurations } from '../../src/pipeline/durations.ts';
import { unitDurations } from '../../src/pipeline/durations.ts';
import { schedules } from '../../src/pipeline/schedules.ts';
import type { ScheduleFamily, ScheduleName } from '../../src/pipeline/schedules.ts';
import { validateSchedule } from '../../src/pipeline/validate.ts';
import { withWeightsInGaps } from '../../src/pipeline/weightsInGaps.ts';
import { gridOf, requestOf } from './requests.ts';
import type { GridRequest } from './requests.ts';

const durations = (forward: number, backwardInput: number, backwardWeights: number): StageDurations => ({
  ...{ forward, backwardInput, backwardWeights },
  backward: backwardInput + backwardWeights,
});

/** Idle time of the worker that has most of it; all have the same in these schedules, but for the last test's. */
const idle = (name: ScheduleName, request: GridRequest, each = unitDurations): number =>
  Math.max(...bubbleOf(schedules[name].generate(request), each).idle);

const costs = [unitDurations, durations(10, 11, 9), durations(10, 13, 10), durations(3, 3, 2)];

describe('the bubble, with f, b, i, w the times of a stage and p workers, is that of theory', () => {
  it.each(['gpipe', '1f1b'] as const)('(p − 1)(f + b) (%s)', (name) => {
    for (const each of costs)
      for (const request of gridOf(name).filter(({ stagesPerWorker }) => stagesPerWorker === 1))
        expect(idle(name, request, each)).toBe((request.workers - 1) * (each.forward + each.backward));
  });

  it('(p − 1)(f + b) of stages of a v-th of the size: interleaved, from p micro-batches on', () => {
    for (const each of costs)
      for (const request of gridOf('interleaved_1f1b')) {
        const { workers, stagesPerWorker, microBatches } = request;
        const missing = (stagesPerWorker - 1) * Math.max(0, workers - microBatches);
        expect(idle('interleaved_1f1b', request, each)).toBe((workers - 1 + missing) * (each.forward + each.backward));
      }
  });

  it('(p − 1) 2b: folded, from p micro-batches on, and b ≥ f', () => {
    for (const each of costs)
      for (const request of gridOf('v_1f1b')) {
        const bubble = (request.workers - 1) * 2 * each.backward;
        if (request.microBatches >= request.workers) expect(idle('v_1f1b', request, each)).toBe(bubble);
        else expect(idle('v_1f1b', request, each)).toBeGreaterThan(bubble);
      }
  });

  it('(p − 1)(f + i − w): ZB-H1, from p micro-batches on', () => {
    for (const each of costs)
      for (const request of gridOf('zb_h1')) {
        const bubble = (request.workers - 1) * (each.forward + each.backwardInput - each.backwardWeights);
        if (request.microBatches >= request.workers) expect(idle('zb_h1', request, each)).toBe(bubble);
        else expect(idle('zb_h1', request, each)).toBeGreaterThanOrEqual(bubble);
      }
  });

  it('none between the first action and the last of any worker: ZB-V, from 2p − 1 micro-batches on, where f = i = w', () => {
    for (const request of gridOf('zb_v')) {
      const { workers, microBatches } = request;
      const { idle: waiting, between } = bubbleOf(schedules.zb_v.generate(request), unitDurations);
      if (microBatches >= 2 * workers - 1) {
        expect(Math.max(...between)).toBe(0);
        expect(waiting).toEqual(waiting.map(() => workers - 1));
      } else expect(Math.max(...waiting)).toBe(Math.max(workers - 1, 4 * workers - 2 - 3 * microBatches));
    }
  });

  it('shrinks from schedule to schedule: GPipe = 1F1B > folded > interleaved > ZB-H1 > ZB-V', () => {
    for (const [workers, microBatches] of [
      [4, 8],
      [8, 24],
    ] as const) {
      const share = (name: ScheduleName, stagesPerWorker: number): number =>
        idle(name, requestOf(name, { workers, stagesPerWorker, microBatches })) / stagesPerWorker;
      const shares = [
        share('1f1b', 1),
        share('v_1f1b', 2),
        share('interleaved_1f1b', 2),
        share('interleaved_1f1b', 3),
        share('zb_v', 2),
      ];
      expect(shares).toEqual(shares.toSorted((a, b) => b - a));
      expect(share('gpipe', 1)).toBe(share('1f1b', 1));
      expect(share('zb_h1', 1)).toBe(share('1f1b', 1) / 3);
    }
  });
});

const measured = fc.record({ forward: fc.integer({ min: 0, max: 9 }), input: fc.nat(9), weights: fc.nat(9) });
const measuredStages = fc
  .array(measured, { minLength: 16, maxLength: 16 })
  .map((stages) => stages.map(({ forward, input, weights }) => durations(forward, input, weights)));

describe('with measured durations, a schedule with split backward passes', () => {
  it('keeps the rules and its memory, and is no slower than without them', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('zb_h1' as const, 'zb_v' as const),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 12 }),
        measuredStages,
        (name, workers, microBatches, each) => {
          const { generate, peakOnWorker, peakActivations: theory } = schedules[name] as ScheduleFamily;
          const request = requestOf(name, { workers, stagesPerWorker: name === 'zb_v' ? 2 : 1, microBatches });
          const schedule = generate({ ...request, durations: each });
          const report = validateSchedule(schedule, {
            queueCapacity: schedule.workers.flat().length,
            activationLimit: (worker) => peakOnWorker(request, worker),
          });
          for (const [stage, peak] of report.peakActivations.stages.entries())
            expect(peak).toBeLessThanOrEqual(theory(request, stage));
          const plain = microBatches >= 2 * workers ? generate(request) : schedule;
          expect(bubbleOf(schedule, each).duration).toBeLessThanOrEqual(bubbleOf(plain, each).duration);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('has its weight gradients where there would be nothing to do', () => {
    const request = requestOf('zb_v', { workers: 4, stagesPerWorker: 2, microBatches: 16 });
    // A U-Net's: the ends of the network, on the first worker, take three times as long.
    const each = request.placement.map((worker) => (worker === 0 ? durations(3, 3, 3) : durations(2, 2, 2)));
    const before = bubbleOf(schedules.zb_v.generate(request), each);
    const after = bubbleOf(schedules.zb_v.generate({ ...request, durations: each }), each);
    expect(after.duration).toBeLessThanOrEqual(before.duration);
    expect(after.between[0]).toBeLessThanOrEqual(before.between[0] as number);
  });

  it('is left as it is where moving them would not help', () => {
    const schedule = schedules.zb_v.generate(requestOf('zb_v', { workers: 3, stagesPerWorker: 2, microBatches: 6 }));
    const { stages, workers } = peakActivations(schedule);
    const limits = {
      stage: (stage: number) => stages[stage] as number,
      worker: (worker: number) => workers[worker] as number,
    };
    expect(withWeightsInGaps(schedule, unitDurations, limits)).toBe(schedule);
  });
});
