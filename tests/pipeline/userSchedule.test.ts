import { describe, expect, it } from 'vitest';
import { ScheduleError } from '../../src/pipeline/faults.ts';
import { formatSchedule, ScheduleTextError } from '../../src/pipeline/scheduleText.ts';
import { schedules } from '../../src/pipeline/schedules.ts';
import { userSchedule, UserScheduleError } from '../../src/pipeline/userSchedule.ts';
import { validateSchedule } from '../../src/pipeline/validate.ts';

const text = (...lines: string[]): string => ['schedule mine', 'micro-batches 2', 'placement 0 1', ...lines].join('\n');

const errorOf = (written: string): UserScheduleError => {
  try {
    userSchedule(written, 'my.schedule');
  } catch (error) {
    if (error instanceof UserScheduleError) return error;
    throw error;
  }
  throw new Error('nothing is wrong with it');
};

describe('a schedule of the user', () => {
  const own = schedules.zb_v.generate({ stages: 6, microBatches: 8 });
  const family = userSchedule(formatSchedule(own), 'my.schedule');

  it('is one like ours', () => {
    expect(family.generate({ stages: 6, microBatches: 8 })).toEqual(own);
    expect(family.placement(3, 2)).toEqual([0, 1, 2, 2, 1, 0]);
    expect(family).toMatchObject({ passes: 'training', stagesPerWorker: 2 });
  });

  it('holds for fewer micro-batches too, and then keeps no more alive than it says', () => {
    for (let microBatches = 1; microBatches <= 8; microBatches += 1) {
      const request = { stages: 6, microBatches, placement: own.placement };
      const { peakActivations } = validateSchedule(family.generate(request), { queueCapacity: 2 });
      for (const [stage, peak] of peakActivations.stages.entries())
        expect(peak).toBeLessThanOrEqual(family.peakActivations(request, stage));
      for (const [worker, peak] of peakActivations.workers.entries())
        expect(peak).toBeLessThanOrEqual(family.peakOnWorker(request, worker));
    }
  });

  it('is refused where the run is not what it was written for, with what to change', () => {
    expect(() => family.generate({ stages: 6, microBatches: 9 })).toThrow(
      'my.schedule: 8 micro-batches, in a run of 9 (pipeline.micro_batches); give at most 8 there',
    );
    expect(() => family.generate({ stages: 5, microBatches: 8 })).toThrow('not for 5 stages');
    const placement = [2, 1, 0, 0, 1, 2];
    expect(() => family.generate({ stages: 6, microBatches: 8, placement })).toThrow('not for 2 1 0 0 1 2');
    expect(() => family.placement(4, 2)).toThrow('3 workers, in a run of 4 (pipeline.workers); give 3 there');
  });

  it('is refused where it has not the form, at its line', () => {
    const error = errorOf(text('worker 0: 0F0 0X1', 'worker 1: 1F0'));
    expect(error.message).toContain('my.schedule: schedule, line 4: "0X1" stands where an action');
    expect(error.cause).toBeInstanceOf(ScheduleTextError);
  });

  it('is refused where it breaks the rules, with every fault and the table', () => {
    const error = errorOf(text('worker 0: 0F0 0F1 0B0', 'worker 1: 1F0 1B0 1B1 1F1'));
    expect(error.cause).toBeInstanceOf(ScheduleError);
    expect(error.message).toContain('0B1 is missing on worker 0');
    expect(error.message).toContain('1B1 (worker 1, place 2) comes before 1F1');
  });

  it('is refused where it does not end', () => {
    const written = [
      ...['schedule mine', 'micro-batches 1', 'placement 0 1 0'],
      ...['worker 0: 0F0 0B0 2F0 2B0', 'worker 1: 1F0 1B0'],
    ].join('\n');
    expect(errorOf(written).message).toContain('nothing moves any more');
  });
});
