import type { Case } from '../../dataset.ts';
import { caseBytes } from './sharedCase.ts';

interface Entry {
  /** What the files were like when they were read. */
  readonly facts: string;
  readonly case: Case;
  readonly bytes: number;
}

/** Cases within a bound of bytes: where room is needed, those that were longest not asked for go. */
export class MemoryCache {
  readonly #limit: number;
  /** The longest unused first: a Map keeps the order in which keys were set. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What was kept under the key, if the files are still as they were then. */
  get(key: string, facts: string): Case | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#drop(key, entry);
    if (entry.facts !== facts) return undefined;
    this.#put(key, entry);
    return entry.case;
  }

  /** Keeps a case, unless it alone is larger than the bound. */
  set(key: string, facts: string, kept: Case): void {
    const before = this.#entries.get(key);
    if (before) this.#drop(key, before);
    const bytes = caseBytes(kept);
    if (bytes > this.#limit) return;
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes + bytes <= this.#limit) break;
      this.#drop(oldest, entry);
    }
    this.#put(key, { facts, case: kept, bytes });
  }

  #put(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}
