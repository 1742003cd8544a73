import type { Shape } from '../../engine/tensor.ts';
import type { FeedSample } from './feed.ts';

type Shaped = Pick<FeedSample, 'shape' | 'file'>;

/** Samples of different shape that are to share a micro-batch: which files, and what can be done. */
export class SampleShapeError extends Error {
  override readonly name = 'SampleShapeError';
  readonly shapes: readonly [Shape, Shape];
  readonly files: readonly [string | undefined, string | undefined];

  constructor(first: Shaped, odd: Shaped) {
    const told = ({ shape, file }: Shaped): string =>
      `${shape.join(' × ')}${file === undefined ? '' : ` from ${file}`}`;
    super(
      `samples of ${told(first)} and ${told(odd)} (${first.shape.length === 4 ? 'z, ' : ''}y, x, channels) cannot share a ` +
        'micro-batch; set pipeline.micro_batches to training.batch_size, or data.patch_size to a size',
    );
    this.shapes = [first.shape, odd.shape];
    this.files = [first.file, odd.file];
  }
}

/** The shape of samples that share a micro-batch: (batch, …spatial, channels). Throws a SampleShapeError. */
export function stackedShape(samples: readonly Shaped[]): Shape {
  const first = samples[0]!;
  const odd = samples.find(({ shape }) => shape.join() !== first.shape.join());
  if (odd) throw new SampleShapeError(first, odd);
  return [samples.length, ...first.shape];
}

/**
 * Arrays behind one another. Where they are that already, which slices of a volume are and a single sample is, nothing is
 * copied: the memory is lent to ZeroMQ, so nobody may write to it any more. Memory that threads share is copied: ZeroMQ takes none.
 */
export function stackValues<T extends Float32Array | Uint8Array>(parts: readonly T[]): T {
  const first = parts[0]!;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const make = first.constructor as {
    new (length: number): T;
    new (buffer: ArrayBufferLike, at: number, n: number): T;
  };
  if (isOneRun(parts) && !(first.buffer instanceof SharedArrayBuffer))
    return new make(first.buffer, first.byteOffset, length);
  const values = new make(length);
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return values;
}

/** Whether every array begins where the one before ends. */
const isOneRun = (parts: readonly (Float32Array | Uint8Array)[]): boolean =>
  parts.every((part, i) => {
    const before = parts[i - 1];
    return !before || (part.buffer === before.buffer && part.byteOffset === before.byteOffset + before.byteLength);
  });
