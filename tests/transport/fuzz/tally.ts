/** Counts by name. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string, times = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + times);
  }

  get(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  get all(): Record<string, number> {
    return Object.fromEntries([...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** Lets the event loop turn now and then: a loop of sends that succeed at once never would. */
export class Breather {
  #count = 0;

  async breathe(): Promise<void> {
    if (++this.#count % 32 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
