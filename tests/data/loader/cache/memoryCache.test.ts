import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Case } from '../../../../src/data/dataset.ts';
import { MemoryCache } from '../../../../src/data/loader/cache/memoryCache.ts';
import { describeCache } from '../../../../src/data/loader/cache/openCache.ts';

/** A case of so many bytes. */
function caseOf(bytes: number): Case {
  const volume = { size: [1, 1, 1] as const, channels: 1, affine: [] };
  return {
    name: 'case',
    source: { file: 'case.nii', version: 1, type: 'float32', orientation: {} } as unknown as Case['source'],
    grid: { size: [1, 1, 1], affine: [] },
    image: { ...volume, values: new Float32Array(0) },
    labels: { ...volume, values: new Uint8Array(bytes) },
    voxels: [],
    annotated: [],
  };
}

describe('the cache in memory', () => {
  it('drops what was longest not asked for', () => {
    const cache = new MemoryCache(30);
    for (const key of ['a', 'b', 'c']) cache.set(key, '', caseOf(10));
    cache.get('a', '');
    cache.set('d', '', caseOf(10));
    expect(['a', 'b', 'c', 'd'].filter((key) => cache.get(key, ''))).toEqual(['a', 'c', 'd']);
  });

  it('gives nothing of files that are not as they were', () => {
    const cache = new MemoryCache(100);
    cache.set('a', 'then', caseOf(10));
    expect(cache.get('a', 'now')).toBeUndefined();
    expect(cache.bytes).toBe(0);
  });

  it('never holds more than its bound, whatever comes', () => {
    const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), bytes: fc.nat(60), put: fc.boolean() });
    fc.assert(
      fc.property(fc.nat(100), fc.array(step, { maxLength: 60 }), (limit, steps) => {
        const cache = new MemoryCache(limit);
        const last = new Map<string, Case>();
        for (const { key, bytes, put } of steps) {
          if (put) {
            const kept = caseOf(bytes);
            cache.set(key, '', kept);
            last.set(key, kept);
            expect(cache.get(key, '')).toBe(bytes <= limit ? kept : undefined);
          } else if (cache.get(key, '') !== undefined) expect(cache.get(key, '')).toBe(last.get(key));
          expect(cache.bytes).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });
});

describe('what the cache will hold', () => {
  const twelve = Array.from({ length: 12 }, () => 8e7);
  it('is told before the first step', () => {
    expect(describeCache({ kind: 'memory', memory: 1e9 }, twelve)).toBe('12 cases, about 960.0 MB, cached in memory');
    expect(describeCache({ kind: 'memory', memory: 7e8 }, twelve)).toBe(
      '12 cases, about 960.0 MB: the cache holds 8 of 12 in 700.0 MB, and the others are read again and again; ' +
        'raise data.cache.memory, or set data.cache.kind to disk',
    );
    expect(describeCache({ kind: 'disk', memory: 1e9 }, twelve)).toBeUndefined();
  });
});
