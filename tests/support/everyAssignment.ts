/*
 * Every partition and every placement, tried one after the other, and what they are worth by adding up messages one by one:
 * slow, obvious, and without a line of what it is a check of.
 */

export interface SmallInstance {
  readonly times: readonly number[];
  readonly outputs: readonly number[];
  readonly skips: readonly { readonly stash: number; readonly pop: number; readonly bytes: number }[];
  /** By cell. */
  readonly fixed: readonly number[];
  readonly held: readonly number[];
  readonly working: readonly number[];
  readonly speeds: readonly number[];
  readonly memories: readonly number[];
  readonly latencies: readonly (readonly number[])[];
  readonly bandwidths: readonly (readonly number[])[];
  /** Of each worker's own copies. */
  readonly copyBandwidths: readonly number[];
}

/** Every cut of so many cells into so many stages, as the stage of every cell. */
export function* everyPartition(cells: number, stages: number): Generator<number[]> {
  if (cells === 0 && stages === 0) yield [];
  if (cells < stages || stages === 0) return;
  for (let last = 1; last <= cells - (stages - 1); last += 1)
    for (const rest of everyPartition(cells - last, stages - 1))
      yield [...rest, ...Array.from({ length: last }, () => stages - 1)];
}

/** Every ordered choice of so many workers. */
export function* everyRow(workers: readonly number[], slots: number): Generator<number[]> {
  if (slots === 0) yield [];
  else
    for (const worker of workers)
      for (const rest of everyRow(
        workers.filter((other) => other !== worker),
        slots - 1,
      ))
        yield [worker, ...rest];
}

/** The worker of every stage, where workers stand in a row. */
export const placementIn = (family: string, row: readonly number[], stagesPerWorker: number): number[] => {
  if (family === 'folded') return [...row, ...row.toReversed()];
  return Array.from({ length: family === 'interleaved' ? stagesPerWorker : 1 }, () => row).flat();
};

const tick = (instance: SmallInstance, here: number, there: number, bytes: number): number =>
  instance.latencies[here]![there]! +
  bytes / instance.bandwidths[here]![there]! +
  instance.latencies[there]![here]! +
  bytes / instance.bandwidths[there]![here]! +
  (2 * bytes) / instance.copyBandwidths[here]!;

/** The slowest worker's time under the best routes; Infinity where a memory limit is broken. */
export const worthByHand = (
  instance: SmallInstance,
  stageOfCell: readonly number[],
  placement: readonly number[],
  live: readonly number[],
): number => {
  const { times, skips, outputs, memories, speeds } = instance;
  for (const [worker, limit] of memories.entries()) {
    const mine = [...stageOfCell.keys()].filter((cell) => placement[stageOfCell[cell]!] === worker);
    const bytes = mine.reduce((sum, c) => sum + instance.fixed[c]! + live[stageOfCell[c]!]! * instance.held[c]!, 0);
    if (bytes + Math.max(0, ...mine.map((cell) => instance.working[cell]!)) > limit) return Infinity;
  }
  let best = Infinity;
  for (let routes = 0; routes < 2 ** skips.length; routes += 1) {
    const loads = memories.map(() => 0);
    const send = (from: number, to: number, bytes: number): void => {
      const [here, there] = [placement[from]!, placement[to]!];
      if (here === there) return;
      loads[here]! += tick(instance, here, there, bytes);
      loads[there]! += tick(instance, there, here, bytes);
    };
    for (const [cell, stage] of stageOfCell.entries()) {
      loads[placement[stage]!]! += times[cell]! / speeds[placement[stage]!]!;
      const next = stageOfCell[cell + 1];
      if (next !== undefined && next !== stage) send(stage, next, outputs[cell]!);
    }
    for (const [index, { stash, pop, bytes }] of skips.entries()) {
      const [from, to] = [stageOfCell[stash]!, stageOfCell[pop]!];
      if ((routes >> index) % 2 === 0) send(from, to, bytes);
      else for (let stage = from; stage < to; stage += 1) send(stage, stage + 1, bytes);
    }
    best = Math.min(best, Math.max(...loads));
  }
  return best;
};

/** The least of all. */
export const bestByHand = (
  instance: SmallInstance,
  family: string,
  slots: number,
  stagesPerWorker: number,
  live: readonly number[],
): number => {
  const workers = [...instance.speeds.keys()];
  const stages = placementIn(family, workers.slice(0, slots), stagesPerWorker).length;
  let best = Infinity;
  for (const stageOfCell of everyPartition(instance.times.length, stages))
    for (const row of everyRow(workers, slots)) {
      const placement = placementIn(family, row, stagesPerWorker);
      best = Math.min(best, worthByHand(instance, stageOfCell, placement, live));
    }
  return best;
};
