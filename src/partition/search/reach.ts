import type { CellRange } from '../partition.ts';
import type { Layout } from './family.ts';
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
 * could do within the limit are dropped, so that near the optimum few remain.
 */

export interface ReachRequest {
  readonly tables: Tables;
  readonly layout: Layout;
  /** Micro-batches that each stage keeps alive at most. */
  readonly live: readonly number[];
  /** Where each front begins, and the number of cells behind the last: for folded, 0 alone. */
  readonly fronts: readonly number[];
  /** The only kind for each slot, where the order of the workers is given. */
  readonly order?: readonly number[];
}

export interface Reached {
  readonly stages: readonly CellRange[];
  /** The kind of every slot. */
  readonly kinds: readonly number[];
  readonly bottleneck: number;
}

/** What a search may still spend: ranges tried. */
export interface Effort {
  left: number;
}

export type ReachResult =
  | { readonly found: Reached }
  /** `next`: no limit below this would have done; Infinity where none does. */
  | { readonly found?: undefined; readonly next: number };

interface State {
  readonly key: number;
  readonly at: readonly number[];
  readonly used: readonly number[];
  readonly load: number;
  readonly before: State | undefined;
  readonly kind: number;
  readonly ranges: readonly CellRange[];
}

/** The first assignment found whose largest load is at most `limit`; nothing found where the effort ends. */
export const reach = (request: ReachRequest, limit: number, effort: Effort): ReachResult => {
  const walk = new Walk(request, limit, effort);
  let layer: State[] = [walk.start];
  for (let slot = 0; slot < request.layout.slots; slot += 1) {
    const next = new Map<number, State>();
    for (const state of layer) {
      walk.extend(state, slot, next);
      if (effort.left < 0) return { next: 0 };
    }
    layer = [...next.values()];
  }
  const [end] = layer;
  return end ? { found: walk.assignmentOf(end) } : { next: walk.next };
};

class Walk {
  readonly start: State;
  next = Infinity;
  readonly #tables: Tables;
  readonly #layout: Layout;
  readonly #live: readonly number[];
  readonly #order: readonly number[] | undefined;
  readonly #limit: number;
  readonly #effort: Effort;
  /** Where front f must end; folded fronts meet. */
  readonly #ends: readonly number[];
  readonly #total: number;
  readonly #restSpeeds = new Map<number, number>();

  constructor({ tables, layout, live, fronts, order }: ReachRequest, limit: number, effort: Effort) {
    this.#tables = tables;
    this.#layout = layout;
    this.#live = live;
    this.#order = order;
    this.#limit = limit;
    this.#effort = effort;
    this.#ends = fronts.slice(1);
    this.#total = tables.timeBefore[tables.cells]!;
    const at = layout.family === 'folded' ? [0, tables.cells] : fronts.slice(0, -1);
    const used = tables.kinds.map(() => 0);
    this.start = { key: 0, at, used, load: 0, before: undefined, kind: -1, ranges: [] };
  }

  /** Adds every state that the next slot can lead to. */
  extend(state: State, slot: number, next: Map<number, State>): void {
    const given = this.#order?.[slot];
    for (const [index, kind] of this.#tables.kinds.entries()) {
      if ((given !== undefined && given !== index) || state.used[index] === kind.workers.length) continue;
      const used = state.used.map((count, each) => (each === index ? count + 1 : count));
      const left = this.#layout.slots - 1 - slot;
      const rest = this.#limit * this.#speedOfRest(used, left, slot);
      // A little less, for sums of different order differ in their last digits.
      const least = left === 0 ? -Infinity : this.#remaining(state) - rest - 1e-12 * (rest + this.#total);
      const take = { state, slot, index, kind, used, left, least, next };
      if (this.#layout.family === 'folded') this.#takeFolded(take);
      else this.#takeRow(take, 0, 0, []);
    }
  }

  /** One range at each front, the first front outermost. */
  #takeRow(take: Take, front: number, time: number, ranges: readonly CellRange[]): void {
    const { timeBefore } = this.#tables;
    const { state, kind, left } = take;
    if (front === state.at.length) return this.#finish(take, ranges, time, ranges);
    const start = state.at[front]!;
    const last = this.#ends[front]! - left;
    for (let end = left === 0 ? last : start + 1; end <= last; end += 1) {
      const sum = time + timeBefore[end]! - timeBefore[start]!;
      if (this.#tooLong(sum / kind.speed)) return;
      this.#takeRow(take, front + 1, sum, [...ranges, { start, end }]);
    }
  }

  /** One range at the outer end of each side; the last slot takes all that is left, wherever it is cut. */
  #takeFolded(take: Take): void {
    const { timeBefore } = this.#tables;
    const { state, kind, left } = take;
    const [i = 0, j = 0] = state.at;
    if (left === 0) {
      const time = timeBefore[j]! - timeBefore[i]!;
      for (let m = i + 1; m < j; m += 1) {
        const halves = [
          { start: i, end: m },
          { start: m, end: j },
        ];
        this.#finish(take, halves, time, [{ start: i, end: j }]);
      }
      return;
    }
    for (let x = i + 1; x < j - 2 * left; x += 1) {
      const first = timeBefore[x]! - timeBefore[i]!;
      if (this.#tooLong(first / kind.speed)) return;
      for (let y = j - 1; y >= x + 2 * left; y -= 1) {
        const time = first + timeBefore[j]! - timeBefore[y]!;
        if (this.#tooLong(time / kind.speed)) break;
        const ranges = [
          { start: i, end: x },
          { start: y, end: j },
        ];
        this.#finish(take, ranges, time, ranges);
      }
    }
  }

  #tooLong(time: number): boolean {
    if (time <= this.#limit) return false;
    this.next = Math.min(this.next, time);
    return true;
  }

  /** `pieces`: the ranges, with those that touch on this worker joined, for what lies between them costs nothing. */
  #finish(take: Take, ranges: readonly CellRange[], time: number, pieces: readonly CellRange[]): void {
    const { state, slot, index, kind, used, left, least, next } = take;
    this.#effort.left -= 1;
    if (time < least) {
      const speed = this.#speedOfRest(used, left, slot);
      this.next = Math.min(this.next, (this.#remaining(state) - time) / speed);
      return;
    }
    const load = time / kind.speed + (this.#layout.slots > 1 ? chargesOf(kind, pieces) : 0);
    if (this.#tooLong(load)) return;
    const at = this.#layout.family === 'folded' ? [ranges[0]!.end, ranges[1]!.start] : ranges.map(({ end }) => end);
    const key = this.#keyOf(at, used);
    if (next.has(key) || !this.#fits(kind, ranges, slot)) return;
    next.set(key, { key, at, used, load, before: state, kind: index, ranges });
  }

  #fits(kind: WorkerKind, ranges: readonly CellRange[], slot: number): boolean {
    if (kind.memory === Infinity) return true;
    const { slots, family } = this.#layout;
    let [bytes, working] = [0, 0];
    for (const [front, { start, end }] of ranges.entries()) {
      const stage = front === 0 ? slot : family === 'folded' ? 2 * slots - 1 - slot : front * slots + slot;
      const memory = this.#tables.memory(start, end);
      bytes += memory.fixed + this.#live[stage]! * memory.held;
      working = Math.max(working, memory.working);
    }
    return bytes + working <= kind.memory;
  }

  /** Work that no slot before this one has taken. */
  #remaining({ at }: State): number {
    const { timeBefore } = this.#tables;
    if (this.#layout.family === 'folded') return timeBefore[at[1]!]! - timeBefore[at[0]!]!;
    return at.reduce((sum, place, front) => sum + timeBefore[this.#ends[front]!]! - timeBefore[place]!, 0);
  }

  /** The speeds of the fastest workers that are left, as many as there are slots left. */
  #speedOfRest(used: readonly number[], left: number, slot: number): number {
    const { kinds } = this.#tables;
    const key = used.reduce((sum, count, index) => sum * (kinds[index]!.workers.length + 1) + count, 0);
    const known = this.#restSpeeds.get(key);
    if (known !== undefined) return known;
    const speeds = this.#order
      ? this.#order.slice(slot + 1).map((kind) => kinds[kind]!.speed)
      : kinds
          .flatMap(({ speed, workers }, index) => Array.from({ length: workers.length - used[index]! }, () => speed))
          .toSorted((a, b) => b - a)
          .slice(0, left);
    const sum = speeds.reduce((total, speed) => total + speed, 0);
    this.#restSpeeds.set(key, sum);
    return sum;
  }

  #keyOf(at: readonly number[], used: readonly number[]): number {
    let key = 0;
    for (const [index, count] of used.entries()) key = key * (this.#tables.kinds[index]!.workers.length + 1) + count;
    for (const place of at) key = key * (this.#tables.cells + 1) + place;
    return key;
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
  readonly next: Map<number, State>;
}

/** Of the cuts around ranges of cells, and of the skips that leave them. */
const chargesOf = ({ charges }: WorkerKind, pieces: readonly CellRange[]): number => {
  let sum = 0;
  for (const [index, { start, end }] of pieces.entries()) {
    sum += charges.cuts[start]! + charges.cuts[end]! + charges.ends(start, end);
    sum -= 2 * charges.between(start, end, start, end);
    for (let other = index + 1; other < pieces.length; other += 1) {
      const { start: c, end: d } = pieces[other]!;
      sum -= 2 * charges.between(start, end, c, d);
    }
  }
  // What cancels out leaves its rounding behind.
  return Math.max(0, sum);
};
