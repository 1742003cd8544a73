import type { RecomputeMode, SkipWay } from '../../config/runFile.ts';
import type { TrainingScheduleName } from '../../config/scheduleName.ts';
import { schedules } from '../../pipeline/schedules.ts';
import { linkBetween, transferTime } from '../../pipeline/stageCost.ts';
import type { Machine, StageCost } from '../../pipeline/stageCost.ts';
import { stageCostOf } from '../modelCost.ts';
import type { ModelCost } from '../modelCost.ts';
import { layoutOf } from '../search/family.ts';
import type { Family, Layout } from '../search/family.ts';
import type { Cluster, SkipLoad, StageMemory, Workload } from '../search/workload.ts';

/** What is left when all has been chosen but the partition and the placement. */
export interface Setting {
  readonly schedule: TrainingScheduleName;
  readonly stagesPerWorker: number;
  /** Workers that are used, of those that the machine has. */
  readonly workers: number;
  readonly microBatches: number;
  readonly recompute: RecomputeMode;
  readonly skips: SkipWay | 'auto';
  readonly machine: Machine;
  /** For one micro-batch of so many. */
  readonly cost: ModelCost;
}

export const familyOf = (schedule: TrainingScheduleName, stagesPerWorker: number): Family => {
  if (schedule === 'v_1f1b' || schedule === 'zb_v') return 'folded';
  return stagesPerWorker > 1 ? 'interleaved' : 'consecutive';
};

export const layoutOfSetting = ({ schedule, stagesPerWorker, workers, cost }: Setting): Layout =>
  layoutOf(familyOf(schedule, stagesPerWorker), workers, stagesPerWorker, cost.cells.length);

/** Micro-batches that each stage keeps alive at most. */
export const liveOf = ({ schedule, microBatches }: Setting, { slotOfStage }: Layout): number[] => {
  const request = { stages: slotOfStage.length, microBatches, placement: slotOfStage };
  return slotOfStage.map((_, stage) => schedules[schedule].peakActivations(request, stage));
};

/** Whether the schedule runs the two halves of backward passes apart. */
export const splitsBackward = (schedule: TrainingScheduleName): boolean => schedule === 'zb_h1' || schedule === 'zb_v';

/** The part of forward passes that is run twice. */
const shareAgain = ({ recompute, microBatches }: Setting): number =>
  recompute === 'never' ? 0 : recompute === 'always' ? 1 : (microBatches - 1) / microBatches;

/** The model as the search sees it. */
export const workloadOf = (setting: Setting): Workload => {
  const { cells, loss } = setting.cost;
  const split = splitsBackward(setting.schedule);
  const again = shareAgain(setting);
  const times = cells.map(({ forward, backward, backwardInput, backwardWeights }, cell) => {
    const passes = (1 + again) * forward + (split ? backwardInput + backwardWeights : backward);
    return passes + (cell === cells.length - 1 ? loss.milliseconds : 0);
  });
  return {
    times,
    outputs: cells.map(({ outputBytes }) => outputBytes),
    skips: skipsOf(setting.cost),
    memory: (start, end) => memoryOf(stageCostOf(setting.cost, { start, end }), setting),
  };
};

const skipsOf = ({ cells }: ModelCost): SkipLoad[] =>
  cells.flatMap(({ stash: name, stashBytes: bytes }, stash) => {
    const pop = cells.findIndex((cell) => name !== undefined && cell.pop === name);
    return name === undefined || pop < 0 ? [] : [{ name, stash, pop, bytes }];
  });

const memoryOf = (cost: StageCost, { recompute, schedule }: Setting): StageMemory => {
  const { transientBytes: transient, activationBytes, inputBytes, weightBytes } = cost;
  const fixed = cost.parameterBytes + cost.gradientBytes + cost.optimizerBytes;
  const split = splitsBackward(schedule);
  const backward = split ? Math.max(transient.backwardInput, transient.backwardWeights) : transient.backward;
  if (recompute === 'never')
    return {
      fixed,
      held: Math.max(activationBytes, split ? weightBytes : 0),
      working: Math.max(transient.forward, backward),
    };
  const again = activationBytes - inputBytes + Math.max(transient.forwardAgain, transient.forward, backward);
  return {
    fixed,
    held: Math.max(inputBytes, split ? weightBytes : 0),
    working: Math.max(transient.forwardDropping, again),
  };
};

/** What a message costs its worker: `full`, the way over the link with it; `copies`, only what the worker itself does. */
export type Charging = 'full' | 'copies';

/** The machine as the search sees it. */
export const clusterOf = (machine: Machine, charging: Charging): Cluster => ({
  workers: machine.workers.map(({ speed, memory }) => ({ speed, memory })),
  exchange: (here, there, bytes) => {
    const copies = (2 * bytes) / machine.workers[here]!.copyBytesPerMs;
    if (charging === 'copies') return copies;
    const way = transferTime(linkBetween(machine, here, there), bytes);
    return copies + way + transferTime(linkBetween(machine, there, here), bytes);
  },
});
