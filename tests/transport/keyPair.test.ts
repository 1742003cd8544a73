import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isKey, newKeyPair, publicKeyOf } from '../../src/transport/keyPair.ts';
import { fromZ85, toZ85 } from '../../src/transport/z85.ts';

describe('Z85', () => {
  it('writes the example of its specification', () => {
    expect(toZ85(Uint8Array.of(0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b))).toBe('HelloWorld');
  });

  it('brings bytes back as they were', () => {
    const bytes = fc.integer({ min: 0, max: 10 }).chain((n) => fc.uint8Array({ minLength: 4 * n, maxLength: 4 * n }));
    fc.assert(
      fc.property(bytes, (each) => {
        expect([...fromZ85(toZ85(each))!]).toEqual([...each]);
      }),
    );
  });

  it('is nothing else', () => {
    for (const text of ['Hell', 'Hell~', 'Hell"', '#####', 'Hellö']) expect(fromZ85(text)).toBeUndefined();
  });
});

describe('a key pair', () => {
  it('is new each time, in Z85, and its halves belong together', () => {
    const pairs = Array.from({ length: 20 }, newKeyPair);
    for (const { publicKey, secretKey } of pairs) {
      expect([publicKey, secretKey].every(isKey)).toBe(true);
      expect(publicKeyOf(secretKey)).toBe(publicKey);
    }
    expect(new Set(pairs.flatMap(({ publicKey, secretKey }) => [publicKey, secretKey])).size).toBe(40);
    expect(isKey('HelloWorld')).toBe(false);
  });
});
