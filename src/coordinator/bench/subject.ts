import { stagesOnWorker, type TrainingScheduleName } from '../../config/scheduleName.ts';
import { formatCount } from '../../telemetry/units.ts';

/**
 * What is timed. `pipeline`: the network cut over so many workers. `independent`: so many pipelines of one worker each, which
 * hold the whole network and step side by side without a message: what the machine can do at most. One of these alone is the
 * single worker that the speed-up is over.
 */
export type Subject =
  | {
      readonly kind: 'pipeline';
      readonly workers: number;
      readonly microBatches: number;
      readonly schedule: TrainingScheduleName;
    }
  | { readonly kind: 'independent'; readonly workers: number; readonly microBatches: number };

export interface BenchGrid {
  readonly workers: readonly number[];
  readonly microBatches: readonly number[];
  readonly schedules: readonly TrainingScheduleName[];
}

/** A combination that cannot be timed. */
export interface LeftOut {
  readonly subject: Subject;
  readonly why: string;
}

/** The combinations of a grid in the order in which a round takes them: each ceiling stands before its pipelines. */
export function subjectsOf(
  grid: BenchGrid,
  limits: { readonly cells: number; readonly batchSize: number },
): { readonly subjects: readonly Subject[]; readonly leftOut: readonly LeftOut[] } {
  const wanted = unique(grid.microBatches).flatMap((microBatches) =>
    unique([1, ...grid.workers]).flatMap((workers): Subject[] => [
      { kind: 'independent', workers, microBatches },
      ...(workers === 1 ? [] : unique(grid.schedules)).map((schedule): Subject => ({
        kind: 'pipeline',
        workers,
        microBatches,
        schedule,
      })),
    ]),
  );
  const judged = wanted.map((subject) => ({ subject, why: obstacle(subject, limits) }));
  return {
    subjects: judged.filter(({ why }) => why === undefined).map(({ subject }) => subject),
    leftOut: judged.flatMap(({ subject, why }) => (why === undefined ? [] : [{ subject, why }])),
  };
}

function obstacle(subject: Subject, { cells, batchSize }: { cells: number; batchSize: number }): string | undefined {
  const { workers, microBatches } = subject;
  if (microBatches > batchSize)
    return `${microBatches} micro-batches out of ${batchSize} samples (training.batch_size)`;
  if (subject.kind === 'independent') return undefined;
  const stages = workers * stagesPerWorker(subject.schedule);
  return stages > cells ? `${stages} stages for ${cells} cells` : undefined;
}

/** As `lamp train` lays them. */
export const stagesPerWorker = (schedule: TrainingScheduleName): number => {
  if (schedule === 'interleaved_1f1b') return 2;
  const stages = stagesOnWorker[schedule];
  return stages === 'any' ? 1 : stages;
};

/** `2 workers, 8 micro-batches, zb_v` */
export function describeSubject(subject: Subject): string {
  const { workers, microBatches } = subject;
  const count = `${formatCount(workers, 'worker')}, ${formatCount(microBatches, 'micro-batch', 'micro-batches')}`;
  if (subject.kind === 'pipeline') return `${count}, ${subject.schedule}`;
  return workers === 1 ? count : `${count}, independent`;
}

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];
