import { RandomStream } from '../../random/stream.ts';
import type { SampleKey } from '../sample.ts';
import { LoadError } from './threads/loadError.ts';

/** A training case that cannot be used, and why. */
export interface SkippedCase {
  readonly file: string;
  readonly problem: string;
}

/** Not one training case can be used. */
export class NoCaseError extends Error {
  override readonly name = 'NoCaseError';

  constructor(skipped: readonly SkippedCase[]) {
    super(`none of the ${skipped.length} training cases can be used; the first: ${skipped[0]?.problem}`);
  }
}

/** Which cases, by number, take a sample's place in turn: its own, then the others in an order that seed, epoch and sample name. */
export function candidates(own: number, cases: number, { seed, epoch, index }: SampleKey): readonly number[] {
  const others = Array.from({ length: cases }, (_, number) => number).filter((number) => number !== own);
  return [own, ...new RandomStream(seed, 'instead', epoch, index).shuffle(others)];
}

/** Training cases that were found to be of no use, and what to draw from in their place. */
export class Skipping {
  readonly #cases: number;
  readonly #skipped = new Map<number, SkippedCase>();

  constructor(cases: number) {
    this.#cases = cases;
  }

  /** In the order in which they were found. */
  get skipped(): readonly SkippedCase[] {
    return [...this.#skipped.values()];
  }

  /** What `make` gives for the first case that is of use. Rejects with a NoCaseError, or whatever is not the data's fault. */
  async first<T>(own: number, key: SampleKey, make: (number: number) => Promise<T>): Promise<T> {
    for (const number of candidates(own, this.#cases, key)) {
      if (this.#skipped.has(number)) continue;
      try {
        return await make(number);
      } catch (error) {
        if (!(error instanceof LoadError && error.bad)) throw error;
        this.#skipped.set(number, { file: error.file, problem: error.message });
      }
    }
    throw new NoCaseError(this.skipped);
  }
}
