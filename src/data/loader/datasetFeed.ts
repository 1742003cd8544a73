import type { CaseSpec } from '../../config/runFile.ts';
import type { Model } from '../../models/cell.ts';
import { buildModel } from '../../models/index.ts';
import type { Source } from '../../transport/protocol.ts';
import { caseFiles } from '../caseFiles.ts';
import type { Case } from '../dataset.ts';
import { casesOfEpoch } from '../order.ts';
import type { SampleKey } from '../sample.ts';
import { CaseStore } from './cache/caseStore.ts';
import { caseOptions } from './caseOptions.ts';
import { openCache } from './cache/openCache.ts';
import type { LoaderConfiguration } from './configuration.ts';
import { samplesOf, type Batch, type Feed, type FeedSample } from './feed.ts';
import { Skipping, type SkippedCase } from './skipping.ts';
import { openWorkshop, type Workshop } from './threads/workshop.ts';

type DatasetConfiguration = Extract<LoaderConfiguration, { kind: 'dataset' }>;

/**
 * Mini-batches drawn from the cases of a run file, and its validation images whole. Samples are made by threads, those of the
 * mini-batch that was asked for first before others; what they are follows from their keys, whoever makes them and when.
 */
export class DatasetFeed implements Feed {
  readonly #configuration: DatasetConfiguration;
  readonly #model: Model;
  readonly #workshop: Workshop;
  readonly #cases: CaseStore;
  readonly #skipping: Skipping;
  #turn = 0;

  /** @param threads 0: whoever asks makes the samples */
  constructor(configuration: DatasetConfiguration, threads: number) {
    const { data, model, baseDirectory } = configuration;
    this.#configuration = configuration;
    this.#model = buildModel(model);
    const cache = openCache(data.cache, baseDirectory);
    this.#workshop = openWorkshop(threads);
    this.#cases = new CaseStore(this.#workshop, caseOptions(data, model.in_channels), cache);
    this.#skipping = new Skipping(data.train.length);
  }

  async batch(source: Source): Promise<Batch> {
    const turn = this.#turn++;
    if (source.kind === 'training') return this.#training(source.epoch, source.samples, turn);
    if (source.kind === 'validation') return this.#validation(source.case, turn);
    throw new Error(`a data set has no ${source.kind} source`);
  }

  /** Training cases that were found bad so far, where the run goes on without them. */
  get skipped(): readonly SkippedCase[] {
    return this.#skipping.skipped;
  }

  #training(epoch: number, indices: readonly number[], turn: number): Promise<Batch> {
    const { data, seed } = this.#configuration;
    const order = casesOfEpoch({ seed, epoch }, data.train.length, Math.max(...indices) + 1);
    return Promise.all(
      indices.map((index) => {
        const key = { seed, epoch, index };
        const make = (number: number): Promise<FeedSample> => this.#sample(number, key, turn);
        return data.unreadable === 'skip' ? this.#skipping.first(order[index]!, key, make) : make(order[index]!);
      }),
    );
  }

  async #sample(number: number, key: SampleKey, turn: number): Promise<FeedSample> {
    const { data } = this.#configuration;
    const { divisor, spatialDims } = this.#model;
    const from = await this.#case(data.train[number]!, turn);
    const { patch_size, foreground, augment, transforms } = data;
    const spec = { patch_size, foreground, augment, transforms, divisor, spatialDims };
    const sample = await this.#workshop.run<'sample'>({ kind: 'sample', case: from, spec, key }, turn);
    return { ...sample, file: from.source.file };
  }

  async #validation(number: number, turn: number): Promise<Batch> {
    const { data, seed } = this.#configuration;
    const from = await this.#case(data.validation[number]!, turn);
    const { divisor, spatialDims } = this.#model;
    const { shape, values } = await this.#workshop.run<'validation'>(
      {
        kind: 'validation',
        case: from,
        data: { validation_deformation: data.validation_deformation },
        key: { seed, number },
        network: { divisor, spatialDims },
      },
      turn,
    );
    return samplesOf(shape, { images: values });
  }

  #case(spec: CaseSpec, turn: number): Promise<Case> {
    return this.#cases.get(caseFiles(spec, this.#configuration.baseDirectory), turn);
  }

  close(): Promise<void> {
    return this.#workshop.close();
  }
}
