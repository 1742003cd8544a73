import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stagesPerWorkerOf, trainingScheduleNames } from '../../src/config/scheduleName.ts';
import { Scheduler } from '../../src/coordinator/scheduler.ts';
import { scheduleFamily } from '../../src/coordinator/scheduleFamily.ts';
import { chainOf } from '../../src/pipeline/messages.ts';
import { formatSchedule, parseSchedule } from '../../src/pipeline/scheduleText.ts';
import { schedules } from '../../src/pipeline/schedules.ts';
import { UserScheduleError } from '../../src/pipeline/userSchedule.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamp-schedule-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('every name that a run file allows is a schedule that generates for the stages that it has by default', () => {
  for (const schedule of trainingScheduleNames) {
    const family = scheduleFamily({ schedule }, folder);
    expect(family).toBe(schedules[schedule]);
    const placement = family.placement(3, stagesPerWorkerOf({ schedule }) as number);
    expect(family.generate({ stages: placement.length, microBatches: 4, placement }).name).toBe(schedule);
  }
});

test('a schedule in a file beside the run file is what the workers are told, and their skips have room', () => {
  const written = { ...schedules['1f1b'].generate({ stages: 3, microBatches: 4 }), name: 'mine' };
  writeFileSync(join(folder, 'my.schedule'), formatSchedule(written));
  const training = scheduleFamily({ schedule: 'my.schedule' }, folder);
  const scheduler = new Scheduler({ training, placement: [0, 1, 2], routes: chainOf(3), microBatches: 4 });
  expect(parseSchedule(scheduler.schedule('train', 4).text)).toEqual(written);
  expect(scheduler.schedule('train', 2).schedule.microBatches).toBe(2);
  expect(scheduler.schedule('evaluate', 1).schedule.name).toBe('forward');
});

test('a file that is not there, or is no schedule, is told as that', () => {
  expect(() => scheduleFamily({ schedule: 'my.schedule' }, folder)).toThrow(UserScheduleError);
  writeFileSync(join(folder, 'my.schedule'), 'hello');
  expect(() => scheduleFamily({ schedule: 'my.schedule' }, folder)).toThrow('"hello" stands where the line `schedule');
});
