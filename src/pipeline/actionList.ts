import type { Action, ActionKind } from './action.ts';
import { ascending } from './wavefront.ts';

/** A list of actions in the making: each stage's actions of a kind take the micro-batches in their order. */
export class ActionList {
  readonly #actions: Action[] = [];
  readonly #counts = new Map<string, number>();

  /** The next one of a kind for a stage, for as many stages as are named. */
  add(kind: ActionKind, ...stages: readonly number[]): this {
    for (const stage of stages) {
      const microBatch = this.#counts.get(`${stage}${kind}`) ?? 0;
      this.#counts.set(`${stage}${kind}`, microBatch + 1);
      this.#actions.push({ stage, kind, microBatch });
    }
    return this;
  }

  /**
   * All actions of the micro-batches before `microBatches`. Those behind are left out: an order made for more micro-batches
   * holds for fewer, as no action needs one of another micro-batch.
   */
  first(microBatches: number): readonly Action[] {
    return this.#actions.filter(({ microBatch }) => microBatch < microBatches);
  }
}

/** Does a thing so many times, none where the count is negative. */
export const times = (count: number, what: () => void): void => ascending(Math.max(0, count)).forEach(what);
