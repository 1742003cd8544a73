/** A run of samples of a mini-batch. */
export interface MicroBatch {
  readonly index: number;
  /** The first sample, counted along the batch axis. */
  readonly offset: number;
  /** How many samples. Gradients of unequal micro-batches count by it. */
  readonly size: number;
}

/** A mini-batch that cannot be cut as asked. */
export class MicroBatchError extends RangeError {
  override readonly name = 'MicroBatchError';
  readonly batchSize: number;
  readonly count: number;

  constructor(batchSize: number, count: number) {
    super(
      `a mini-batch of ${batchSize} samples cannot be cut into ${count} micro-batches: ` +
        'both must be whole numbers, and the number of micro-batches from 1 to the batch size',
    );
    this.batchSize = batchSize;
    this.count = count;
  }
}

/**
 * The sizes of the micro-batches that a mini-batch is cut into, as PyTorch's `torch.chunk` cuts: every one but the last has
 * ⌈batchSize / count⌉ samples, so there can be FEWER than asked for (5 in 2 → 3, 2; but 6 in 4 → 2, 2, 2). Whoever calls uses
 * the number that came back: schedules are made for it.
 */
export const chunk = (batchSize: number, count: number): number[] => {
  const possible = Number.isInteger(batchSize) && Number.isInteger(count) && count >= 1 && count <= batchSize;
  if (!possible) throw new MicroBatchError(batchSize, count);
  const size = Math.ceil(batchSize / count);
  return Array.from({ length: Math.ceil(batchSize / size) }, (_, index) => Math.min(size, batchSize - index * size));
};

/** The same cut, each micro-batch with the place where it begins. */
export const microBatchesOf = (batchSize: number, count: number): MicroBatch[] => {
  let offset = 0;
  return chunk(batchSize, count).map((size, index) => {
    const microBatch = { index, offset, size };
    offset += size;
    return microBatch;
  });
};
