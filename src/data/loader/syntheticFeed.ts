import { sizeOf } from '../../engine/tensor.ts';
import { RandomStream } from '../../random/stream.ts';
import type { LoaderConfiguration } from './configuration.ts';
import { samplesOf, type Batch, type Feed } from './feed.ts';

/** One mini-batch of noise with random labels, whatever is asked for: measures a pipeline and not the reading of images. */
export class SyntheticFeed implements Feed {
  readonly #batch: Batch;

  constructor({ shape, classes, seed }: Extract<LoaderConfiguration, { kind: 'synthetic' }>) {
    const [samples = 1, ...rest] = shape;
    const voxels = samples * sizeOf(rest.slice(0, -1));
    const stream = new RandomStream('synthetic', seed);
    this.#batch = samplesOf(shape, {
      images: stream.fillNormal(new Float32Array(voxels * (rest.at(-1) ?? 1)), 1),
      labels: Uint8Array.from({ length: voxels }, () => stream.integer(classes)),
      flags: new Float32Array(samples * classes).fill(1),
    });
  }

  async batch(): Promise<Batch> {
    return this.#batch;
  }

  async close(): Promise<void> {}
}
