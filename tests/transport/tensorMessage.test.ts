import * as fc from 'fast-check';
import { pack as packLoosely } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { FrameError } from '../../src/transport/errors.ts';
import { decode, encode, keyOf } from '../../src/transport/tensorMessage.ts';
import type { OutgoingTensor } from '../../src/transport/tensorMessage.ts';
import { mutated, tensors } from './frames.ts';

const rules = { link: 'worker 0', run: 'run-1', maxBytes: 1 << 20 };
const header = { kind: 'activation', run: 'run-1', step: 3, microBatch: 1, stage: 2, shape: [2, 2], dtype: 'float32' };
const raw = new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer);

const reasonOf = (frames: readonly Uint8Array[]): string => {
  try {
    decode(frames, rules);
  } catch (error) {
    if (error instanceof FrameError) return error.reason;
    throw error;
  }
  return 'none';
};

describe('a tensor message', () => {
  it('comes back as it was, whatever its kind, type and shape', () => {
    fc.assert(
      fc.property(tensors, ({ tensor, values }) => {
        const message = decode(encode(tensor, values, rules), rules);
        expect(message.header).toMatchObject(tensor);
        expect(message.values).toEqual(values);
        expect(keyOf(message.header)).toBe(keyOf(tensor));
      }),
    );
  });

  it('shares the memory of the frame where the offset suits the elements, and copies it where not', () => {
    const first = encode({ ...header, kind: 'activation' }, new Float32Array(raw.buffer), rules)[0]!;
    for (const offset of [0, 4, 8, 1, 2, 3]) {
      const memory = new Uint8Array(32);
      memory.set(raw, offset);
      const { values } = decode([first, memory.subarray(offset, offset + raw.length)], rules);
      expect([...values]).toEqual([1, 2, 3, 4]);
      expect(values.buffer === memory.buffer).toBe(offset % 4 === 0);
    }
  });

  it('is sent from the part of a larger array that it is', () => {
    const values = new Int32Array([9, 8, 7, 6]).subarray(1, 3);
    const tensor: OutgoingTensor = { kind: 'label', step: 0, microBatch: 0, stage: 0, shape: [2] };
    expect([...decode(encode(tensor, values, rules), rules).values]).toEqual([8, 7]);
  });

  it('has a key of its own', () => {
    const place = fc.nat({ max: 3 });
    const address = fc.oneof(
      fc.record({
        kind: fc.constantFrom('activation' as const, 'gradient'),
        step: place,
        microBatch: place,
        stage: place,
      }),
      fc.record({
        kind: fc.constantFrom('skip' as const, 'skipGradient'),
        step: place,
        microBatch: place,
        stage: place,
        skip: fc.constantFrom('a', 'b', 'a, skip b'),
      }),
    );
    fc.assert(
      fc.property(address, address, (a, b) => {
        expect(keyOf(a) === keyOf(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });
});

describe('a tensor in pieces', () => {
  const inPieces = { ...rules, pieceBytes: 8 };

  it('comes back as it was sent', () => {
    fc.assert(
      fc.property(tensors, ({ tensor, values }) => {
        const frames = encode(tensor, values, inPieces);
        expect(frames.slice(1).every(({ byteLength }) => byteLength <= 8)).toBe(true);
        expect(decode(frames, inPieces).values).toEqual(values);
      }),
    );
  });

  it('is refused where the pieces are not as they are made', () => {
    const made = encode({ kind: 'label', step: 0, microBatch: 0, stage: 0, shape: [20] }, new Uint8Array(20), inPieces);
    const [first] = made;
    const sized = (...sizes: number[]): string => {
      try {
        decode([first!, ...sizes.map((size) => new Uint8Array(size))], inPieces);
        return 'none';
      } catch (error) {
        return (error as FrameError).reason;
      }
    };
    expect(sized(8, 8, 4)).toBe('none');
    expect(sized(8, 8, 3)).toBe('size');
    for (const sizes of [[20], [4, 8, 8], [8, 12], [8, 8, 4, 0], [5, 5, 5, 5]]) expect(sized(...sizes)).toBe('frames');
    // Where values are one frame, they are one frame.
    expect(reasonOf(made)).toBe('frames');
  });
});

describe('frames from outside', () => {
  it.each([
    ['run', { run: 'run-0' }],
    ['run', { run: undefined }],
    ['field', { kind: 'nonsense' }],
    ['field', { kind: ['activation'] }],
    ['field', { step: -1 }],
    ['field', { step: 1.5 }],
    ['field', { step: Number.NaN }],
    ['field', { microBatch: Infinity }],
    ['field', { microBatch: '1' }],
    ['field', { stage: undefined }],
    ['field', { stage: 2 ** 60 }],
    ['field', { kind: 'skip' }],
    ['field', { kind: 'skip', skip: '' }],
    ['field', { kind: 'skipGradient', skip: 'x'.repeat(257) }],
    ['field', { skip: 'a name where none belongs' }],
    ['field', { dtype: 'float64' }],
    ['field', { shape: 4 }],
    ['field', { shape: [1, 1, 1, 1, 1, 2, 2] }],
    ['field', { shape: [-2, -2] }],
    ['field', { shape: [2, Number.NaN] }],
    ['field', { unheardOf: 1 }],
    ['size', { shape: [2, 3] }],
    ['size', { dtype: 'uint8' }],
    ['size', { shape: [] }],
    ['tooLarge', { shape: [2 ** 50, 2 ** 50] }],
  ])('are refused for %s where the header has %o', (reason, change) => {
    expect(reasonOf([packLoosely({ ...header, ...change }), raw])).toBe(reason);
  });

  it('are refused for their number, and for a header that is none', () => {
    const good = packLoosely(header);
    expect(reasonOf([good, raw])).toBe('none');
    expect(reasonOf([])).toBe('frames');
    expect(reasonOf([good])).toBe('frames');
    expect(reasonOf([good, raw, raw])).toBe('frames');
    expect(reasonOf([packLoosely('text'), raw])).toBe('header');
    expect(reasonOf([packLoosely([header]), raw])).toBe('header');
    expect(reasonOf([packLoosely(null), raw])).toBe('header');
    expect(reasonOf([new Uint8Array(0), raw])).toBe('header');
    expect(reasonOf([packLoosely({ ...header, run: 'x'.repeat(5000) }), raw])).toBe('header');
  });

  it('say in the error which link they came by', () => {
    expect(() => decode([], rules)).toThrow(/on the link with worker 0: 0 frames instead of 2/);
  });

  it('are good or a FrameError, however they were garbled', () => {
    const garbled = tensors.chain(({ tensor, values }) => mutated(encode(tensor, values, rules)));
    fc.assert(
      fc.property(garbled, (frames) => {
        expect(['none', 'frames', 'header', 'field', 'run', 'size', 'tooLarge']).toContain(reasonOf(frames));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('a sender', () => {
  it('is told at once of what the receiver would refuse', () => {
    const tensor: OutgoingTensor = { kind: 'output', step: 0, microBatch: 0, stage: 0, shape: [3] };
    expect(() => encode(tensor, new Float32Array(4), rules)).toThrow('shape [3] takes 12 bytes, the frame has 16');
    expect(() => encode({ ...tensor, step: -1 }, new Float32Array(3), rules)).toThrow('step is -1');
    const large = { ...tensor, shape: [1 << 21] };
    expect(() => encode(large, new Uint8Array(1 << 21), rules)).toThrow('at most 1048576');
  });
});
