import type { RunFile } from '../../config/runFile.ts';
import { trainingScheduleNames } from '../../config/scheduleName.ts';
import { partitionOf } from '../../partition/partition.ts';
import type { StageDurations } from '../../pipeline/durations.ts';
import { schedules, type ScheduleFamily } from '../../pipeline/schedules.ts';
import type { Layout } from '../layout.ts';
import { scheduleFamily } from '../scheduleFamily.ts';
import type { Shape } from '../replicas.ts';
import type { LayoutRecord } from './trainingState.ts';

const OWN = 'own';

/** What of the run file a layout follows from; workers are counted. */
const settingsOf = (pipeline: RunFile['pipeline']): string =>
  JSON.stringify(Object.entries(pipeline).filter(([key]) => key !== 'workers' && key !== 'memory'));

/** A layout as plain data. */
export function recordLayout(layout: Layout, { pipeline }: RunFile, { workers, replicas }: Shape): LayoutRecord {
  const { partition, placement, schedule, microBatches, recompute, threaded, cellTimes, durations } = layout;
  return {
    workers,
    replicas,
    settings: settingsOf(pipeline),
    cells: partition.stages.map(({ start, end }) => end - start),
    placement: [...placement],
    schedule: trainingScheduleNames.find((name) => schedules[name] === schedule) ?? OWN,
    ...{ microBatches, recompute, threaded: [...threaded], cellTimes: [...cellTimes] },
    durations: durations ?? null,
  };
}

/** The layout of a checkpoint, where it is one of this shape and what the run file says of the pipeline has not changed. */
export function layoutOfRecord(
  record: LayoutRecord,
  run: RunFile,
  { shape, baseDirectory }: { shape: Shape; baseDirectory: string },
): Layout | undefined {
  if (record.workers !== shape.workers || record.replicas !== shape.replicas) return undefined;
  if (record.settings !== settingsOf(run.pipeline)) return undefined;
  const { cells, placement, microBatches, recompute, threaded, cellTimes, durations } = record;
  const family = familyOf(record, run.pipeline.schedule, baseDirectory);
  if (!family) return undefined;
  return {
    partition: partitionOf(
      cells,
      cells.reduce((sum, n) => sum + n, 0),
    ),
    schedule: family,
    ...{ placement, microBatches, recompute, threaded, cellTimes },
    ...(durations ? { durations: durations as readonly StageDurations[] } : {}),
  };
}

/** One of ours by its name, or the user's own. */
function familyOf(
  record: LayoutRecord,
  asked: RunFile['pipeline']['schedule'],
  baseDirectory: string,
): ScheduleFamily | undefined {
  const name = trainingScheduleNames.find((known) => known === record.schedule);
  if (name) return schedules[name];
  return asked === 'auto' ? undefined : scheduleFamily({ schedule: asked }, baseDirectory);
}
