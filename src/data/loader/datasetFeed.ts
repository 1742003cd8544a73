import type { CaseSpec } from '../../config/runFile.ts';
import type { Model } from '../../models/cell.ts';
import { buildModel } from '../../models/index.ts';
import type { Source } from '../../transport/protocol.ts';
import { caseFiles } from '../caseFiles.ts';
import { loadCase, type Case } from '../dataset.ts';
import { casesOfEpoch } from '../order.ts';
import { drawSample, type SampleSpec } from '../sample.ts';
import { validationCase } from '../validation.ts';
import { wholeImage } from '../wholeImage.ts';
import type { LoaderConfiguration } from './configuration.ts';
import { samplesOf, type Batch, type Feed, type FeedSample } from './feed.ts';

type DatasetConfiguration = Extract<LoaderConfiguration, { kind: 'dataset' }>;

/** Mini-batches drawn from the cases of a run file, and its validation images whole. Every case is read once and kept. */
export class DatasetFeed implements Feed {
  readonly #configuration: DatasetConfiguration;
  readonly #model: Model;
  readonly #cases = new Map<string, Promise<Case>>();

  constructor(configuration: DatasetConfiguration) {
    this.#configuration = configuration;
    this.#model = buildModel(configuration.model);
  }

  async batch(source: Source): Promise<Batch> {
    if (source.kind === 'training') return this.#training(source.epoch, source.samples);
    if (source.kind === 'validation') return this.#validation(source.case);
    throw new Error(`a data set has no ${source.kind} source`);
  }

  async #training(epoch: number, indices: readonly number[]): Promise<Batch> {
    const { data, seed } = this.#configuration;
    const { divisor, spatialDims } = this.#model;
    const spec: SampleSpec = { ...data, divisor, spatialDims };
    const order = casesOfEpoch({ seed, epoch }, data.train.length, Math.max(...indices) + 1);
    const samples: FeedSample[] = [];
    for (const index of indices) {
      const from = await this.#case(data.train[order[index]!]!);
      samples.push({ ...drawSample(from, spec, { seed, epoch, index }), file: from.source.file });
    }
    return samples;
  }

  async #validation(number: number): Promise<Batch> {
    const { data, seed } = this.#configuration;
    const from = await this.#case(data.validation[number]!);
    const { shape, values } = wholeImage(validationCase(from, data, { seed, number }).image, this.#model);
    return samplesOf(shape, { images: values });
  }

  #case(spec: CaseSpec): Promise<Case> {
    const { data, model, baseDirectory } = this.#configuration;
    const files = caseFiles(spec, baseDirectory);
    const key = JSON.stringify(files);
    const known = this.#cases.get(key);
    if (known) return known;
    const loading = loadCase(files, { ...data, channels: model.in_channels });
    this.#cases.set(key, loading);
    return loading;
  }

  async close(): Promise<void> {}
}
