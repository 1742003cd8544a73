import type { ModelSpec, TransformSpec } from '../../config/runFile.ts';
import { buildModel } from '../../models/index.ts';
import type { Source } from '../../transport/protocol.ts';
import { loadImage } from '../dataset.ts';
import { wholeImage } from '../wholeImage.ts';
import { samplesOf, type Batch, type Feed } from './feed.ts';

/** Whole image files, one by one, for prediction. */
export class ImagesFeed implements Feed {
  readonly #model: ModelSpec;
  readonly #transforms: readonly TransformSpec[];

  constructor({ model, transforms }: { model: ModelSpec; transforms: readonly TransformSpec[] }) {
    this.#model = model;
    this.#transforms = transforms;
  }

  async batch(source: Source): Promise<Batch> {
    if (source.kind !== 'image') throw new Error(`a list of images has no ${source.kind} source`);
    const { image } = await loadImage([source.file], {
      channels: this.#model.in_channels,
      transforms: this.#transforms,
    });
    const { shape, values } = wholeImage(image, buildModel(this.#model));
    return samplesOf(shape, { images: values });
  }

  async close(): Promise<void> {}
}
