import type { CellRange } from '../partition.ts';
import type { Layout } from './family.ts';
import { Layer } from './states.ts';
import type { Effort, State } from './states.ts';
import type { Tables, WorkerKind } from './tables.ts';

/*
 * Whether all cells can be given out so that no worker's load is over a limit: a dynamic programme over the slots of the row,
 * from the first to the last. Every family is a number of fronts that advance together; slot k takes one range at each:
 *
 *     consecutive                 folded, from the outside in          interleaved, v = 2, the second front begins at m
 *     0 ─▶ i ─▶ …  n              0 ─▶ i ─▶ …  … ◀─ j ◀─ n             0 ─▶ i ─▶ … m    m ─▶ j ─▶ … n
 *
 * A state is where the fronts stand and how many workers of each kind are used; what led there does not matter, for a slot's
 * load depends on its own ranges alone (the charges of tables.ts). States that leave more work than the workers that are left
 * could do within the limit, with the cheapest cuts that there are, are dropped, so that near the optimum few remain.
 */

export interface ReachRequest {
  readonly tables: Tables;
  readonly layout: Layout;
  /** Micro-batches that each stage keeps alive at most. */
  readonly live: readonly number[];
  /** Where each front begins, and the number of cells behind the last: for folded, 0 alone. */
  readonly fronts: readonly number[];
  /** Keeps only so many states behind a slot, the most promising ones: then nothing found proves nothing. */
  readonly width?: number;
}

export interface Reached {
  readonly stages: readonly CellRange[];
  /** The kind of every slot. */
  readonly kinds: readonly number[];
  readonly bottleneck: number;
}

export type ReachResult =
  | { readonly found: Reached }
  /** `next`: no limit below this would have done; Infinity where none does. */
  | { readonly found?: undefined; readonly next: number };

/** The first assignment found whose largest load is at most `limit`; nothing found where the effort ends. */
export const reach = (request: ReachRequest, limit: number, effort: Effort): ReachResult => {
  const walk = new Walk(request, limit, effort);
  let layer: readonly State[] = [walk.start];
  for (let slot = 0; slot < request.layout.slots; slot += 1) {
    const next = new Layer(request.tables, effort);
    for (const state of layer) {
      walk.extend(state, slot, next);
      if (effort.left < 0) return { next: 0 };
    }
    layer = walk.mostPromising(next.states());
  }
  const [end] = layer;
  return end ? { found: walk.assignmentOf(end) } : { next: walk.next };
};

/** A slot to be filled from a state. */
interface Take {
  readonly state: State;
  readonly slot: number;
  readonly index: number;
  readonly kind: WorkerKind;
  readonly used: readonly number[];
  /** Slots behind this one. */
  readonly left: number;
  /** The time that has to be taken here, so that the rest can do the rest. */
  readonly least: number;
  /** What is to do from this slot on, with the least that those behind it pay, and how fast those are together. */
  readonly owed: number;
  readonly restSpeed: number;
  readonly next: Layer;
}

class Walk {
  readonly start: State;
  next = Infinity;
  readonly #tables: Tables;
  readonly #layout: Layout;
  readonly #folded: boolean;
  readonly #live: readonly number[];
  readonly #width: number;
  readonly #limit: number;
  readonly #effort: Effort;
  /** Where front f must end; folded fronts meet. */
  readonly #ends: readonly number[];
  readonly #restSpeeds = new Map<string, number>();
  /** The range that is tried at each front. */
  readonly #starts: number[];
  readonly #stops: number[];

  constructor({ tables, layout, live, fronts, width = Infinity }: ReachRequest, limit: number, effort: Effort) {
    this.#tables = tables;
    this.#layout = layout;
    this.#folded = layout.family === 'folded';
    this.#live = live;
    this.#width = width;
    this.#limit = limit;
    this.#effort = effort;
    this.#ends = fronts.slice(1);
    const at = this.#folded ? [0, tables.cells] : fronts.slice(0, -1);
    this.#starts = at.map(() => 0);
    this.#stops = at.map(() => 0);
    this.start = { at, used: tables.kinds.map(() => 0), load: 0, before: undefined, kind: -1, ranges: [] };
  }

  /** Adds every state that a slot can lead to. */
  extend(state: State, slot: number, next: Layer): void {
    const remaining = this.#remaining(state);
    for (const [index, kind] of this.#tables.kinds.entries()) {
      if (state.used[index] === kind.workers.length) continue;
      const used = state.used.map((count, each) => (each === index ? count + 1 : count));
      const left = this.#layout.slots - 1 - slot;
      const restSpeed = this.#speedOfRest(used, left);
      const owed = remaining + this.#tables.leastCharges(this.#layout, left);
      const rest = this.#limit * restSpeed;
      // A little less, for sums of different order differ in their last digits.
      const least = left === 0 ? -Infinity : owed - rest - 1e-12 * (rest + owed);
      const take = { state, slot, index, kind, used, left, least, owed, restSpeed, next };
      if (this.#folded) this.#takeFolded(take);
      else this.#takeRow(take, 0, 0);
    }
  }

  /** Those that leave the rest the least to do for its speed, where there are more than may be kept. */
  mostPromising(states: readonly State[]): readonly State[] {
    if (states.length <= this.#width) return states;
    const rest = (state: State): number =>
      this.#remaining(state) / this.#speedOfRest(state.used, this.#layout.slots - sumOf(state.used));
    return states
      .map((state) => ({ state, rest: rest(state) }))
      .toSorted((a, b) => a.rest - b.rest)
      .slice(0, this.#width)
      .map(({ state }) => state);
  }

  /** One range at each front, the first front outermost. */
  #takeRow(take: Take, front: number, time: number): void {
    const { timeBefore } = this.#tables;
    const { state, kind, left } = take;
    if (front === state.at.length) return this.#finish(take, time);
    const start = state.at[front]!;
    const last = this.#ends[front]! - left;
    this.#starts[front] = start;
    for (let end = left === 0 ? last : start + 1; end <= last; end += 1) {
      const sum = time + timeBefore[end]! - timeBefore[start]!;
      if (this.#tooLong(sum / kind.speed)) return;
      this.#stops[front] = end;
      this.#takeRow(take, front + 1, sum);
    }
  }

  /** One range at the outer end of each side; the last slot takes all that is left, wherever it is cut. */
  #takeFolded(take: Take): void {
    const { timeBefore } = this.#tables;
    const { state, kind, left } = take;
    const [i = 0, j = 0] = state.at;
    [this.#starts[0], this.#stops[1]] = [i, j];
    for (let x = i + 1; x < j - 2 * left; x += 1) {
      const first = timeBefore[x]! - timeBefore[i]!;
      if (this.#tooLong(first / kind.speed)) return;
      this.#stops[0] = x;
      for (let y = left === 0 ? x : j - 1; y >= x + 2 * left; y -= 1) {
        const time = first + timeBefore[j]! - timeBefore[y]!;
        if (this.#tooLong(time / kind.speed)) break;
        this.#starts[1] = y;
        this.#finish(take, time);
      }
    }
  }

  #tooLong(time: number): boolean {
    if (time <= this.#limit) return false;
    this.next = Math.min(this.next, time);
    return true;
  }

  #finish(take: Take, time: number): void {
    const { state, slot, index, kind, used, left, least, next } = take;
    this.#effort.left -= 1;
    if (time < least) {
      this.next = Math.min(this.next, (take.owed - time) / take.restSpeed);
      return;
    }
    const load = time / kind.speed + (this.#layout.slots > 1 ? this.#charges(kind, left === 0) : 0);
    if (this.#tooLong(load)) return;
    const at = this.#folded ? [this.#stops[0]!, this.#starts[1]!] : this.#stops;
    const place = next.placeOf(at);
    if (next.isBeaten(place, used) || !this.#fits(kind, slot)) return;
    const ranges = this.#starts.map((start, front) => ({ start, end: this.#stops[front]! }));
    next.add(place, { at: [...at], used, load, before: state, kind: index, ranges });
  }

  /** Of the cuts around the ranges and of the skips that leave them. The two of the last folded slot touch: they are one. */
  #charges({ charges }: WorkerKind, last: boolean): number {
    const [starts, stops] = [this.#starts, this.#stops];
    if (this.#folded && last) return charges.around(starts[0]!, stops[1]!);
    let sum = 0;
    for (let front = 0; front < starts.length; front += 1) {
      sum += charges.around(starts[front]!, stops[front]!);
      for (let other = front + 1; other < starts.length; other += 1)
        sum -= 2 * charges.between(starts[front]!, stops[front]!, starts[other]!, stops[other]!);
    }
    // What cancels out leaves its rounding behind.
    return Math.max(0, sum);
  }

  #fits(kind: WorkerKind, slot: number): boolean {
    if (kind.memory === Infinity) return true;
    const { slots } = this.#layout;
    let [bytes, working] = [0, 0];
    for (const [front, start] of this.#starts.entries()) {
      const stage = front === 0 ? slot : this.#folded ? 2 * slots - 1 - slot : front * slots + slot;
      const memory = this.#tables.memory(start, this.#stops[front]!);
      bytes += memory.fixed + this.#live[stage]! * memory.held;
      working = Math.max(working, memory.working);
    }
    return bytes + working <= kind.memory;
  }

  /** Work that no slot has taken so far. */
  #remaining({ at }: State): number {
    const { timeBefore } = this.#tables;
    if (this.#folded) return timeBefore[at[1]!]! - timeBefore[at[0]!]!;
    return at.reduce((sum, place, front) => sum + timeBefore[this.#ends[front]!]! - timeBefore[place]!, 0);
  }

  /** The speeds of the fastest workers that are left, as many as there are slots left. */
  #speedOfRest(used: readonly number[], left: number): number {
    const { kinds } = this.#tables;
    const key = used.join();
    const known = this.#restSpeeds.get(key);
    if (known !== undefined) return known;
    const speeds = kinds
      .flatMap(({ speed, workers }, index) => Array.from({ length: workers.length - used[index]! }, () => speed))
      .toSorted((a, b) => b - a)
      .slice(0, left);
    const sum = sumOf(speeds);
    this.#restSpeeds.set(key, sum);
    return sum;
  }

  assignmentOf(end: State): Reached {
    const slots: State[] = [];
    for (let state: State | undefined = end; state?.before; state = state.before) slots.unshift(state);
    return {
      stages: slots.flatMap(({ ranges }) => ranges).toSorted((a, b) => a.start - b.start),
      kinds: slots.map(({ kind }) => kind),
      bottleneck: Math.max(...slots.map(({ load }) => load)),
    };
  }
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
