/** Something that holds memory while it lives. */
export interface Resident {
  /** The most that each of its processes ever held, in bytes. */
  peaks(): Promise<readonly number[]>;
  close(): Promise<void>;
}

/**
 * Keeps what was launched alive for the next round, as long as all together stay within a number of bytes; else the one that has
 * rested longest ends, and is launched again when its turn comes. What rests takes no time from what runs.
 */
export class Stable<K, R extends Resident> {
  readonly #limit: number;
  readonly #launch: (key: K) => Promise<R>;
  /** In the order of their last turns. */
  readonly #alive = new Map<K, R>();
  readonly #bytes = new Map<K, number>();

  constructor(limit: number, launch: (key: K) => Promise<R>) {
    this.#limit = limit;
    this.#launch = launch;
  }

  /** Calls `body` with the resident of that key; `fresh` says whether it was just launched. */
  async use<T>(key: K, body: (resident: R, fresh: boolean) => Promise<T>): Promise<T> {
    const known = this.#alive.get(key);
    if (!known) await this.#makeRoom(this.#expected(key));
    const resident = known ?? (await this.#launch(key));
    this.#alive.delete(key);
    this.#alive.set(key, resident);
    try {
      const result = await body(resident, known === undefined);
      this.#bytes.set(
        key,
        (await resident.peaks()).reduce((sum, peak) => sum + peak, 0),
      );
      return result;
    } catch (error) {
      this.#alive.delete(key);
      await resident.close();
      throw error;
    }
  }

  get alive(): number {
    return this.#alive.size;
  }

  async close(): Promise<void> {
    const all = [...this.#alive.values()];
    this.#alive.clear();
    await Promise.all(all.map((resident) => resident.close()));
  }

  /** What it took last time; of one that never ran, the most that any took. */
  #expected(key: K): number {
    return this.#bytes.get(key) ?? Math.max(0, ...this.#bytes.values());
  }

  async #makeRoom(wanted: number): Promise<void> {
    for (const [key, resident] of [...this.#alive]) {
      const held = [...this.#alive.keys()].reduce((sum, each) => sum + (this.#bytes.get(each) ?? 0), 0);
      if (held + wanted <= this.#limit) return;
      this.#alive.delete(key);
      await resident.close();
    }
  }
}
