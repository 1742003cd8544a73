import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { PipelineSpec } from '../config/runFile.ts';
import { isSchedulePath } from '../config/scheduleName.ts';
import { schedules, type ScheduleFamily } from '../pipeline/schedules.ts';
import { userSchedule, UserScheduleError } from '../pipeline/userSchedule.ts';

interface NamedSchedule {
  readonly schedule: Exclude<PipelineSpec['schedule'], 'auto'>;
}

/**
 * The schedule that a run file names, or that the file at its path holds. Throws a UserScheduleError where that cannot be read
 * or used.
 */
export function scheduleFamily({ schedule }: NamedSchedule, baseDirectory: string): ScheduleFamily {
  if (!isSchedulePath(schedule)) return schedules[schedule];
  const file = resolve(baseDirectory, schedule);
  return userSchedule(readText(file), file);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new UserScheduleError(file, `cannot be read: ${(cause as Error).message}`, { cause });
  }
}
