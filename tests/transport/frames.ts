import * as fc from 'fast-check';
import type { OutgoingTensor, TensorValues } from '../../src/transport/tensorMessage.ts';

const count = fc.nat({ max: 2 ** 40 });
const plainKind = fc.constantFrom('activation', 'gradient', 'image', 'label', 'flags', 'output');
const skipKind = fc.constantFrom('skip', 'skipGradient');
const name = fc.string({ minLength: 1, maxLength: 40 });

/** A tensor of any kind, type and small shape, with its values. */
export const tensors: fc.Arbitrary<{ tensor: OutgoingTensor; values: TensorValues }> = fc
  .record({
    address: fc.oneof(
      fc.record({ kind: plainKind, step: count, microBatch: count, stage: count }),
      fc.record({ kind: skipKind, skip: name, step: count, microBatch: count, stage: count }),
    ),
    shape: fc.array(fc.nat({ max: 4 }), { maxLength: 6 }),
    ArrayType: fc.constantFrom(Float32Array, Int32Array, Uint8Array),
  })
  .chain(({ address, shape, ArrayType }) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const bytes = fc.uint8Array({
      minLength: size * ArrayType.BYTES_PER_ELEMENT,
      maxLength: size * ArrayType.BYTES_PER_ELEMENT,
    });
    return bytes.map((raw) => ({
      tensor: { ...address, shape } as OutgoingTensor,
      values: new ArrayType(raw.slice().buffer),
    }));
  });

/** Frames with bytes changed, dropped or added, and frames dropped, doubled or swapped. */
export const mutated = (frames: readonly Uint8Array[]): fc.Arbitrary<Uint8Array[]> =>
  fc
    .array(
      fc.oneof(
        fc.record({ what: fc.constant('byte' as const), frame: fc.nat(1), at: fc.nat(), to: fc.nat(255) }),
        fc.record({ what: fc.constant('cut' as const), frame: fc.nat(1), at: fc.nat() }),
        fc.record({ what: fc.constant('insert' as const), frame: fc.nat(1), at: fc.nat(), to: fc.nat(255) }),
        fc.record({ what: fc.constant('drop' as const), frame: fc.nat(1) }),
        fc.record({ what: fc.constant('double' as const), frame: fc.nat(1) }),
        fc.record({ what: fc.constant('swap' as const) }),
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map((changes) => changes.reduce(mutate, [...frames]));

type Change =
  | { what: 'byte' | 'insert'; frame: number; at: number; to: number }
  | { what: 'cut'; frame: number; at: number }
  | { what: 'drop' | 'double'; frame: number }
  | { what: 'swap' };

const mutate = (frames: Uint8Array[], change: Change): Uint8Array[] => {
  if (change.what === 'swap') return frames.toReversed();
  const frame = frames[change.frame];
  if (!frame) return frames;
  switch (change.what) {
    case 'drop':
      return frames.toSpliced(change.frame, 1);
    case 'double':
      return [...frames, frame];
    case 'cut':
      return frames.with(change.frame, frame.slice(0, change.at % (frame.length + 1)));
    case 'insert': {
      const at = change.at % (frame.length + 1);
      return frames.with(change.frame, Uint8Array.of(...frame.slice(0, at), change.to, ...frame.slice(at)));
    }
    case 'byte': {
      if (frame.length === 0) return frames;
      return frames.with(change.frame, frame.with(change.at % frame.length, change.to));
    }
  }
};
