import { assignCells, SearchEffortError } from '../search/assign.ts';
import type { Assignment } from '../search/assign.ts';
import type { StageAssignment } from '../search/objective.ts';
import { placementOfRow } from '../search/neighbours.ts';
import { partitionOf } from '../partition.ts';
import { clusterOf, familyOf, layoutOfSetting, liveOf, workloadOf } from './setting.ts';
import type { Charging, Setting } from './setting.ts';

/** What the search has found for a setting. */
export interface Start {
  readonly assignment: StageAssignment;
  /** Whether the search counts it as fitting; the simulator may count otherwise. */
  readonly fits: boolean;
}

/** The exact search's answer, or undefined where by its count nothing fits, or no answer came in time. */
export const searched = (
  setting: Setting,
  charging: Charging,
  { effort, extraMemory = 0 }: { readonly effort: number; readonly extraMemory?: number },
): Assignment | undefined => {
  const layout = layoutOfSetting(setting);
  const cluster = clusterOf(setting.machine, charging);
  try {
    return assignCells({
      workload: workloadOf(setting),
      cluster: { ...cluster, workers: cluster.workers.map((each) => ({ ...each, memory: each.memory + extraMemory })) },
      family: familyOf(setting.schedule, setting.stagesPerWorker),
      slots: setting.workers,
      stagesPerWorker: setting.stagesPerWorker,
      live: liveOf(setting, layout),
      effort,
    });
  } catch (error) {
    if (error instanceof SearchEffortError) return undefined;
    throw error;
  }
};

/** Where to begin: what the search finds best, or, where it finds nothing that fits, what it misses by least. */
export const startOf = (setting: Setting, charging: Charging, effort: number): Start | undefined => {
  const found = searched(setting, charging, { effort });
  if (found) return { assignment: found, fits: true };
  const least = leastShort(setting, effort);
  return least && { assignment: least, fits: false };
};

/** The assignment under which no worker is short of more memory than has to be, by bisection to a thousandth. */
const leastShort = (setting: Setting, effort: number): StageAssignment | undefined => {
  const ask = (extraMemory: number): Assignment | undefined => searched(setting, 'copies', { effort, extraMemory });
  let [low, high] = [0, 2 ** 20];
  let found = ask(high);
  for (; !found && high < 2 ** 60; found = ask(high)) [low, high] = [high, 2 * high];
  while (found && high - low > high / 1000) {
    const middle = (low + high) / 2;
    const other = ask(middle);
    if (other) [found, high] = [other, middle];
    else low = middle;
  }
  return found;
};

/** The given partition on the workers in their order. */
export const givenStart = (setting: Setting, balance: readonly number[]): StageAssignment => {
  const row = Array.from({ length: setting.workers }, (_, worker) => worker);
  return {
    stages: partitionOf(balance, setting.cost.cells.length).stages,
    placement: placementOfRow(layoutOfSetting(setting), row),
  };
};
