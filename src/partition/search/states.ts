import type { CellRange } from '../partition.ts';
import type { Tables } from './tables.ts';

/** What a search may still spend: ranges tried and states compared. */
export interface Effort {
  left: number;
}

/** How far the fronts have come with which workers, and how. */
export interface State {
  readonly at: readonly number[];
  readonly used: readonly number[];
  readonly load: number;
  readonly before: State | undefined;
  readonly kind: number;
  readonly ranges: readonly CellRange[];
}

/**
 * The states behind a slot. Of two whose fronts stand alike, one that has used up no better workers makes the other needless:
 * then there is, for every worker that the other has left, one as good. Kinds stand in the order of their worth where they
 * have one, so `used` beats where it has no more of the best, of the best two, of the best three …
 */
export class Layer {
  readonly #tables: Tables;
  readonly #effort: Effort;
  readonly #states = new Map<number, State[]>();

  constructor(tables: Tables, effort: Effort) {
    this.#tables = tables;
    this.#effort = effort;
  }

  placeOf(at: readonly number[]): number {
    let place = 0;
    for (const each of at) place = place * (this.#tables.cells + 1) + each;
    return place;
  }

  isBeaten(place: number, used: readonly number[]): boolean {
    const known = this.#states.get(place);
    if (!known) return false;
    this.#effort.left -= known.length;
    return known.some((state) => this.#beats(state.used, used));
  }

  /** A state that is not beaten; those that it beats go. */
  add(place: number, state: State): void {
    const known = this.#states.get(place);
    if (known === undefined) this.#states.set(place, [state]);
    else this.#states.set(place, [...known.filter(({ used }) => !this.#beats(state.used, used)), state]);
  }

  #beats(used: readonly number[], other: readonly number[]): boolean {
    let ahead = 0;
    for (let kind = 0; kind < used.length; kind += 1) {
      ahead += used[kind]! - other[kind]!;
      if (this.#tables.ranked ? ahead > 0 : ahead !== 0) return false;
    }
    return true;
  }

  states(): readonly State[] {
    return [...this.#states.values()].flat();
  }
}
