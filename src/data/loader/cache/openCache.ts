import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DataSpec } from '../../../config/runFile.ts';
import { engineCache } from '../../../engine/install/location.ts';
import { formatBytes, formatCount } from '../../../telemetry/units.ts';
import type { CaseCache } from './caseStore.ts';
import { MemoryCache } from './memoryCache.ts';

type CacheSpec = DataSpec['cache'];

/** The folder of the cache on disk cannot be made. */
export class CacheFolderError extends Error {
  override readonly name = 'CacheFolderError';
}

/** The cache that a run file asks for. Throws a CacheFolderError. */
export function openCache({ kind, memory, directory }: CacheSpec, baseDirectory: string): CaseCache {
  if (kind === 'none') return { kind };
  if (kind === 'memory') return { kind, memory: new MemoryCache(memory ?? halfOfFree()) };
  const folder = directory === undefined ? join(engineCache(), 'cases') : resolve(baseDirectory, directory);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    const why = (error as Error).message;
    throw new CacheFolderError(
      `data.cache.directory: ${folder} cannot be made (${why}); give a folder that can be written, or data.cache.kind memory`,
      { cause: error },
    );
  }
  return { kind, directory: folder };
}

/** Half of the memory that this process could still have, within what its container may. */
export const halfOfFree = (): number => Math.floor(process.availableMemory() / 2);

/** What of the cases the cache in memory will hold: `12 cases, about 3.1 GB, cached in memory`. Nothing of other caches. */
export function describeCache({ kind, memory = 0 }: CacheSpec, cases: readonly number[]): string | undefined {
  if (kind !== 'memory' || cases.length === 0) return undefined;
  const all = cases.reduce((sum, bytes) => sum + bytes, 0);
  const need = `${formatCount(cases.length, 'case')}, about ${formatBytes(all)}`;
  if (all <= memory) return `${need}, cached in memory`;
  let room = memory;
  const held = cases.filter((bytes) => bytes <= room && (room -= bytes) >= 0).length;
  return (
    `${need}: the cache holds ${held} of ${cases.length} in ${formatBytes(memory)}, and the others are read again and again; ` +
    'raise data.cache.memory, or set data.cache.kind to disk'
  );
}
