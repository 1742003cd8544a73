import type { CellRange } from '../partition.ts';
import { sameLoad } from './bottleneck.ts';
import type { Layout } from './family.ts';
import { worthOf } from './objective.ts';
import type { StageAssignment } from './objective.ts';
import type { Effort } from './states.ts';
import { placementOfRow } from './neighbours.ts';
import { firstOfTwins, twinsOf } from './twins.ts';
import type { Cluster, Workload } from './workload.ts';

/*
 * Branch and bound for clusters in which it matters who talks to whom: stage by stage from the first cell to the last, every
 * end of the stage and, where its slot is still empty, every worker that differs from those already tried there. A branch is
 * left when a load that can only grow is over the best known, or when what remains is more than all workers could still take.
 */

export interface UnevenQuestion {
  readonly workload: Workload;
  readonly cluster: Cluster;
  readonly layout: Layout;
  readonly live: readonly number[];
}

export interface UnevenResult {
  /** Better than what was known, where there is such a one. */
  readonly better: StageAssignment | undefined;
  /** Whether everything was looked at. */
  readonly complete: boolean;
}

/** The best assignment with a bottleneck under `known`. */
export const searchUnevenLinks = (question: UnevenQuestion, known: number, effort: Effort): UnevenResult => {
  const branch = new Branching(question, known, effort);
  branch.place(0, 0);
  return { better: branch.best, complete: effort.left >= 0 };
};

class Branching {
  best: StageAssignment | undefined;
  readonly #question: UnevenQuestion;
  readonly #effort: Effort;
  readonly #twins: readonly number[];
  #known: number;
  readonly #row: (number | undefined)[];
  readonly #stages: CellRange[] = [];
  /** By worker: the least that it will have to do; its bytes, and the largest working ones. */
  readonly #loads: number[];
  readonly #bytes: number[];
  readonly #working: number[];

  constructor(question: UnevenQuestion, known: number, effort: Effort) {
    this.#question = question;
    this.#known = known;
    this.#effort = effort;
    this.#twins = twinsOf(question.cluster);
    this.#row = Array.from({ length: question.layout.slots }, () => undefined);
    this.#loads = question.cluster.workers.map(() => 0);
    this.#bytes = [...this.#loads];
    this.#working = [...this.#loads];
  }

  /** Stage `stage` from cell `start` on, in every way. */
  place(stage: number, start: number): void {
    const { layout, workload } = this.#question;
    const cells = workload.times.length;
    if (stage === layout.slotOfStage.length) return this.#judge();
    const left = layout.slotOfStage.length - 1 - stage;
    for (const worker of this.#candidates(layout.slotOfStage[stage]!))
      for (let end = left === 0 ? cells : start + 1; end <= cells - left; end += 1) {
        this.#effort.left -= 1;
        if (this.#effort.left < 0) return;
        if (!this.#try(stage, { start, end }, worker)) break;
      }
  }

  #candidates(slot: number): number[] {
    const given = this.#row[slot];
    if (given !== undefined) return [given];
    const idle = [...this.#twins.keys()].filter((worker) => !this.#row.includes(worker));
    return firstOfTwins(idle, this.#twins);
  }

  /** Goes on from this stage, if it can lead to anything; whether a longer stage could. */
  #try(stage: number, range: CellRange, worker: number): boolean {
    const { layout, workload, cluster, live } = this.#question;
    const slot = layout.slotOfStage[stage]!;
    const memory = workload.memory(range.start, range.end);
    const undo = [[...this.#loads], [...this.#bytes], [...this.#working], this.#row[slot]] as const;
    this.#row[slot] = worker;
    this.#stages.push(range);
    this.#bytes[worker]! += memory.fixed + live[stage]! * memory.held;
    const most = Math.max(this.#working[worker]!, memory.working);
    this.#working[worker] = most;
    this.#loads[worker]! += sumOf(workload.times, range) / cluster.workers[worker]!.speed;
    const longer = this.#loads[worker]! < this.#known;
    this.#addMessages(stage, range);
    const fits = this.#bytes[worker]! + most <= cluster.workers[worker]!.memory;
    if (longer && fits && this.#hasRoom(stage, range.end)) this.place(stage + 1, range.end);
    this.#stages.pop();
    const [loads, bytes, working, before] = undo;
    for (const each of loads.keys())
      [this.#loads[each], this.#bytes[each], this.#working[each]] = [loads[each]!, bytes[each]!, working[each]!];
    this.#row[slot] = before;
    return longer;
  }

  /** The cut before a stage, and at least what the skips that it pops cost their two ends: portal or first hop. */
  #addMessages(stage: number, { start, end }: CellRange): void {
    const { workload, cluster } = this.#question;
    if (stage > 0) this.#addHop(stage - 1, stage, workload.outputs[start - 1]!);
    for (const { stash, pop, bytes } of workload.skips) {
      if (pop < start || pop >= end || stash >= start) continue;
      const from = this.#stages.findIndex((range) => range.start <= stash && stash < range.end);
      const [here, there] = [this.#workerOf(from), this.#workerOf(stage)];
      if (here === there) continue;
      const least = (one: number, other: number, next: number): number => {
        const portal = cluster.exchange(one, other, bytes);
        return next === one ? 0 : Math.min(portal, cluster.exchange(one, next, bytes));
      };
      this.#loads[here]! += least(here, there, this.#workerOf(from + 1));
      this.#loads[there]! += least(there, here, this.#workerOf(stage - 1));
    }
  }

  #addHop(from: number, to: number, bytes: number): void {
    const [here, there] = [this.#workerOf(from), this.#workerOf(to)];
    if (here === there) return;
    const { exchange } = this.#question.cluster;
    this.#loads[here]! += exchange(here, there, bytes);
    this.#loads[there]! += exchange(there, here, bytes);
  }

  #workerOf(stage: number): number {
    return this.#row[this.#question.layout.slotOfStage[stage]!]!;
  }

  /** Whether every load is under the best known, and all workers together could do what remains. */
  #hasRoom(stage: number, end: number): boolean {
    const { workload, cluster, layout } = this.#question;
    if (this.#loads.some((load) => load >= this.#known)) return false;
    const coming = new Set(layout.slotOfStage.slice(stage + 1));
    let room = 0;
    const idle = cluster.workers.filter((_, worker) => !this.#row.includes(worker)).map(({ speed }) => speed);
    idle.sort((a, b) => a - b);
    for (const slot of coming) {
      const worker = this.#row[slot];
      if (worker === undefined) room += this.#known * (idle.pop() ?? 0);
      else room += (this.#known - this.#loads[worker]!) * cluster.workers[worker]!.speed;
    }
    const rest = sumOf(workload.times, { start: end, end: workload.times.length });
    return rest <= room * (1 + 1e-9) || end === workload.times.length;
  }

  #judge(): void {
    const { workload, cluster, layout } = this.#question;
    const assignment = { stages: [...this.#stages], placement: placementOfRow(layout, this.#row as number[]) };
    const { bottleneck } = worthOf(workload, cluster, assignment);
    if (bottleneck >= this.#known * (1 - sameLoad)) return;
    this.#known = bottleneck;
    this.best = assignment;
  }
}

const sumOf = (times: readonly number[], { start, end }: CellRange): number => {
  let sum = 0;
  for (let cell = start; cell < end; cell += 1) sum += times[cell]!;
  return sum;
};
