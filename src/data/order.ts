import { RandomStream } from '../random/stream.ts';

/** Samples of an epoch: as many as asked for, or one a case; rounded up so that every mini-batch is full. */
export function samplesInEpoch(asked: number | undefined, cases: number, batchSize: number): number {
  return Math.ceil((asked ?? cases) / batchSize) * batchSize;
}

/** The samples of every step of an epoch, by their place in it. */
export function stepsOfEpoch(samples: number, batchSize: number): readonly (readonly number[])[] {
  const steps = Math.ceil(samples / batchSize);
  return Array.from({ length: steps }, (_, step) => {
    const begin = step * batchSize;
    return Array.from({ length: Math.min(batchSize, samples - begin) }, (_, i) => begin + i);
  });
}

/**
 * The case of every sample of an epoch: the cases in a random order, again and again in new orders until there are enough,
 * so that none comes twice before all have come once. Drawn from seed and epoch: whoever asks is given the same.
 */
export function casesOfEpoch(key: { seed: number; epoch: number }, cases: number, samples: number): readonly number[] {
  if (cases < 1) throw new RangeError('an epoch needs at least one case to draw its samples from');
  const stream = new RandomStream(key.seed, 'order', key.epoch);
  const order: number[] = [];
  while (order.length < samples) order.push(...stream.shuffle(Array.from({ length: cases }, (_, number) => number)));
  return order.slice(0, samples);
}
