import * as fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { MsgpackError, pack, unpack } from '../../src/transport/msgpack.ts';

const anything = new Packr({ moreTypes: true, structuredClone: true });

// msgpackr writes a leading __proto__ key as __proto_, which is the point of it.
const plain = fc.jsonValue({ maxDepth: 4 }).filter((value) => !JSON.stringify(value).includes('__proto'));

describe('a MessagePack value', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(unpack(pack(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('keeps NaN, infinities, large integers and fields that are undefined', () => {
    const value = { a: Number.NaN, b: -Infinity, c: 2 ** 40, d: undefined, e: -(2 ** 31) };
    expect(unpack(pack(value))).toEqual(value);
  });

  it('may hold bytes', () => {
    expect(unpack(pack({ bytes: Buffer.from([1, 2, 255]) }))).toEqual({ bytes: Buffer.from([1, 2, 255]) });
  });

  it.each([
    ['a regular expression', /x/],
    ['an error', new TypeError('x')],
    ['a date', new Date(0)],
    ['a set', new Set([1])],
    ['an array of floats', new Float32Array([1, 2])],
    ['one inside another', { deep: [{ of: /x/ }] }],
  ])('is refused where it is %s', (_, value) => {
    expect(() => unpack(anything.pack(value))).toThrow(MsgpackError);
  });

  it('is refused where an object refers to itself', () => {
    const value: Record<string, unknown> = { name: 'loop' };
    value['self'] = value;
    expect(() => unpack(anything.pack(value))).toThrow(MsgpackError);
  });

  it('is refused where a shared structure stands for the keys', () => {
    expect(() => unpack(new Packr({ useRecords: true }).pack({ one: 1, two: 2 }))).toThrow(MsgpackError);
  });

  it('is refused where a key is not a string', () => {
    expect(() => unpack(new Packr({ useRecords: false }).pack(new Map([[1, 2]])))).toThrow(
      'a key that is not a string',
    );
  });

  it('is refused where it nests deeper than any message does', () => {
    expect(() => unpack(new Uint8Array(10_000).fill(0x91))).toThrow('nested deeper');
  });

  it('is refused where it announces more than there is, without room being made for it', () => {
    expect(() => unpack(Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff))).toThrow('cut off');
    expect(() => unpack(Uint8Array.of(0xdb, 0xff, 0xff, 0xff, 0xff, 0x41))).toThrow('cut off');
  });

  it('is refused where something follows it', () => {
    expect(() => unpack(Uint8Array.of(1, 1))).toThrow('1 bytes follow');
  });

  it('is refused wherever it is cut off', () => {
    const bytes = pack({ kind: 'step', list: [1, 2.5, 'three', null, true, -7, 70_000], long: 'x'.repeat(300) });
    for (let length = 0; length < bytes.length; length++)
      expect(() => unpack(bytes.slice(0, length))).toThrow(MsgpackError);
  });

  it('cannot reach the prototype', () => {
    const bytes = new Packr({ useRecords: false }).pack(new Map([['__proto__', { polluted: true }]]));
    expect(Object.getPrototypeOf(unpack(bytes))).toBe(Object.prototype);
    expect('polluted' in {}).toBe(false);
  });

  it('that is not sent as plain is refused before it leaves', () => {
    expect(() => pack({ pattern: /x/, when: new Date(0) })).toThrow(MsgpackError);
  });

  it('made of arbitrary bytes is a value or a MsgpackError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect([undefined, 'MsgpackError']).toContain(errorName(() => unpack(bytes)));
      }),
      { numRuns: 5000 },
    );
  });
});

const errorName = (action: () => unknown): string | undefined => {
  try {
    action();
    return undefined;
  } catch (error) {
    return (error as Error).name;
  }
};
