import { join } from 'node:path';
import type { CaseFiles } from '../../caseFiles.ts';
import type { Case, CaseOptions } from '../../dataset.ts';
import type { Workshop } from '../threads/workshop.ts';
import { cacheName, factsOf } from './facts.ts';
import type { MemoryCache } from './memoryCache.ts';

/** Where cases are kept after the deterministic transforms. */
export type CaseCache =
  | { readonly kind: 'none' }
  | { readonly kind: 'memory'; readonly memory: MemoryCache }
  | { readonly kind: 'disk'; readonly directory: string };

/** Cases by their files, made by the threads of a workshop. Whoever asks for one that is being made waits for the same. */
export class CaseStore {
  readonly #workshop: Workshop;
  readonly #options: CaseOptions;
  readonly #cache: CaseCache;
  readonly #making = new Map<string, Promise<Case>>();

  constructor(workshop: Workshop, options: CaseOptions, cache: CaseCache) {
    this.#workshop = workshop;
    this.#options = options;
    this.#cache = cache;
  }

  /** In shared memory. Rejects with a LoadError. */
  get(files: CaseFiles, turn: number): Promise<Case> {
    const key = JSON.stringify(files);
    const making = this.#making.get(key);
    if (making) return making;
    const made = this.#find(key, files, turn).finally(() => this.#making.delete(key));
    this.#making.set(key, made);
    return made;
  }

  async #find(key: string, files: CaseFiles, turn: number): Promise<Case> {
    const cache = this.#cache;
    if (cache.kind === 'none') return this.#make(files, turn);
    const facts = await factsOf(files);
    if (cache.kind === 'disk')
      return this.#make(files, turn, join(cache.directory, cacheName(files, facts, this.#options)));
    const kept = cache.memory.get(key, facts);
    if (kept) return kept;
    const made = await this.#make(files, turn);
    cache.memory.set(key, facts, made);
    return made;
  }

  #make(files: CaseFiles, turn: number, cacheFile?: string): Promise<Case> {
    return this.#workshop.run<'case'>({ kind: 'case', files, options: this.#options, cacheFile }, turn);
  }
}
