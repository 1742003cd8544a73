import type { Profile } from './profile.ts';
import { median, type Spread } from './spread.ts';

const passes = ['forward', 'backward', 'backwardInput', 'backwardWeights'] as const;
type Pass = (typeof passes)[number];

/** What one worker measured. */
export interface WorkerTimes {
  readonly cells: readonly Readonly<Record<Pass, Spread>>[];
  readonly loss: Spread;
  readonly update: Spread;
}

/** What they measured together, as a profile has it. */
export interface GatheredTimes extends Pick<Profile, 'cells' | 'loss_milliseconds' | 'update_per_million'> {
  /** Of every worker. */
  readonly speeds: readonly number[];
}

/** Workers whose times differ by no more than this are equal: it is noise, and they may change places. */
const tolerance = 0.15;

/**
 * The times of workers that were timed side by side: each worker's speed is that of the whole model against the median worker,
 * and each cell's time the median of the workers' own, brought to speed 1.
 */
export const gatherTimes = (workers: readonly WorkerTimes[], names: readonly string[]): GatheredTimes => {
  const speeds = speedsOf(workers.map(totalOf));
  const over = (figure: (worker: WorkerTimes) => number): number =>
    median(workers.map((worker, index) => figure(worker) * (speeds[index] ?? 1)));
  const cells = names.map((name, cell) => {
    const gathered = (pass: Pass, part: keyof Spread): number =>
      over((worker) => worker.cells[cell]?.[pass][part] ?? 0);
    const quartiles = (pass: Pass): [number, number] => [gathered(pass, 'lower'), gathered(pass, 'upper')];
    return {
      name,
      forward: gathered('forward', 'median'),
      backward: gathered('backward', 'median'),
      backward_input: gathered('backwardInput', 'median'),
      backward_weights: gathered('backwardWeights', 'median'),
      spread: {
        forward: quartiles('forward'),
        backward: quartiles('backward'),
        backward_input: quartiles('backwardInput'),
        backward_weights: quartiles('backwardWeights'),
      },
    };
  });
  return {
    cells,
    loss_milliseconds: over(({ loss }) => loss.median),
    update_per_million: over(({ update }) => update.median),
    speeds,
  };
};

const totalOf = ({ cells }: WorkerTimes): number =>
  cells.reduce((sum, { forward, backward }) => sum + forward.median + backward.median, 0);

const speedsOf = (totals: readonly number[]): number[] => {
  const middle = median(totals);
  const speeds = totals.map((total) => (total > 0 ? middle / total : 1));
  return speeds.every((speed) => Math.abs(speed - 1) <= tolerance) ? totals.map(() => 1) : speeds;
};
