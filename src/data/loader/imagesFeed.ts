import type { Model } from '../../models/cell.ts';
import { buildModel } from '../../models/index.ts';
import type { Source } from '../../transport/protocol.ts';
import { cutWindow } from '../cutWindow.ts';
import { loadImage, type ImageOptions } from '../dataset.ts';
import type { Volume } from '../volume.ts';
import { wholeImage } from '../wholeImage.ts';
import type { LoaderConfiguration } from './configuration.ts';
import { samplesOf, type Batch, type Feed } from './feed.ts';

type Windows = Extract<Source, { kind: 'windows' }>;

/** Images for prediction: whole, or window by window. The image that windows are cut from is kept until another one is asked for. */
export class ImagesFeed implements Feed {
  readonly #model: Model;
  readonly #options: ImageOptions;
  #kept: { readonly key: string; readonly image: Volume<Float32Array> } | undefined;

  constructor({ model, transforms, npy_spacing }: Omit<Extract<LoaderConfiguration, { kind: 'images' }>, 'kind'>) {
    this.#model = buildModel(model);
    this.#options = { channels: this.#model.inChannels, transforms, npy_spacing };
  }

  async batch(source: Source): Promise<Batch> {
    if (source.kind === 'windows') return this.#windows(source);
    if (source.kind !== 'image') throw new Error(`a list of images has no ${source.kind} source`);
    this.#kept = undefined;
    const { shape, values } = wholeImage(await this.#load(source.files), this.#model);
    return samplesOf(shape, { images: values });
  }

  /** Each window is a sample; for a network of two axes each of its slices is. */
  async #windows({ files, starts, box, padding }: Windows): Promise<Batch> {
    const image = await this.#keep(files);
    const [nx, ny, nz] = box;
    const shape = this.#model.spatialDims === 2 ? [nz, ny, nx] : [1, nz, ny, nx];
    return starts.flatMap((start) =>
      samplesOf([...shape, image.channels], { images: cutWindow(image, start, box, padding) }),
    );
  }

  async #keep(files: readonly string[]): Promise<Volume<Float32Array>> {
    const key = files.join('\n');
    if (this.#kept?.key !== key) {
      // The one before is let go of first: there is never more than one.
      this.#kept = undefined;
      this.#kept = { key, image: await this.#load(files) };
    }
    return this.#kept.image;
  }

  async #load(files: readonly string[]): Promise<Volume<Float32Array>> {
    return (await loadImage(files, this.#options)).image;
  }

  async close(): Promise<void> {
    this.#kept = undefined;
  }
}
