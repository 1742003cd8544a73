import type { RecoverySpec } from '../config/runFile.ts';
import { formatCount } from '../telemetry/units.ts';
import type { Crew } from './crew.ts';
import { NoWorkersError } from './errors.ts';
import type { Snapshots } from './keeping/snapshots.ts';
import { workersIn, type Shape } from './replicas.ts';

export interface RegroupOptions {
  readonly recovery: Pick<RecoverySpec, 'replace' | 'wait'>;
  /** The run's folder: who comes has to see it. */
  readonly directory: string;
  readonly snapshots: Snapshots;
  /** How so many workers are laid out. */
  readonly shapeOf: (workers: number) => Shape;
  readonly note: (text: string) => void;
}

/**
 * After a failure: puts others in the places of those that were lost, or closes up. Returns whether there are as many as before,
 * so that they can be laid out as they were. Throws a NoWorkersError where nobody is left.
 */
export async function regroup(
  crew: Crew,
  { recovery, directory, snapshots, shapeOf, note }: RegroupOptions,
): Promise<boolean> {
  await crew.fleet.regroup();
  const lost = recovery.replace ? crew.missing : [];
  const replaced = lost.map((worker) =>
    crew.replace(worker, recovery.wait).catch((error: unknown) => {
      note(`no replacement for worker ${worker}: ${(error as Error).message}`);
    }),
  );
  await Promise.all(replaced);
  const before = crew.workers;
  do {
    // One that could not be started has failed, too.
    if (crew.missing.length > 0) await crew.fleet.regroup();
    const there = crew.workers - crew.missing.length + crew.spares;
    if (there === 0) throw new NoWorkersError();
    const count = workersIn(shapeOf(there));
    crew.closeUp(snapshots.chosenOf(crew.fleet, count));
    if (crew.spares > 0) await crew.seat(count);
  } while ((await crew.turnAwayBlind(directory, note)) > 0);
  if (crew.workers === before) return true;
  note(`planning again for ${formatCount(crew.workers, 'worker')}; there were ${before}`);
  return false;
}
