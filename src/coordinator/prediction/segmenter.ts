import { resolve } from 'node:path';
import type { RunFile } from '../../config/runFile.ts';
import { loadImage, type Grid, type VolumeSource } from '../../data/dataset.ts';
import { writeNifti } from '../../data/nifti/write.ts';
import { marginBefore, paddedSize } from '../../data/pad.ts';
import { resampleTo } from '../../data/resample.ts';
import type { Volume } from '../../data/volume.ts';
import { labelsOf, microBatchesOf } from '../../data/wholeImage.ts';
import { mostLikely, planesOf, softmax } from '../../inference/planes.ts';
import { ProbabilitiesFile, sameGrid } from '../../inference/probabilitiesFile.ts';
import { windowsFor } from '../../inference/slidingWindow/settings.ts';
import { Stitcher, type FinishedPlane } from '../../inference/slidingWindow/stitcher.ts';
import type { Triple } from '../../inference/slidingWindow/windows.ts';
import type { Model } from '../../models/cell.ts';
import type { Source } from '../../transport/protocol.ts';
import type { TensorMessage } from '../../transport/tensorMessage.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Job } from './jobs.ts';

/** Where an image lies: as the network sees it, as its file has it, and what a result must say again. */
export interface Placed {
  readonly from: Grid;
  readonly to: Grid;
  readonly source: VolumeSource;
}

/** Reads an image and forgets its voxels: the loader has its own. Throws a NiftiError or a DataError. */
export async function placeOf({ files }: Job, { data }: RunFile, model: Model): Promise<Placed> {
  const { transforms, npy_spacing } = data;
  const { image, grid, source } = await loadImage(files, { channels: model.inChannels, transforms, npy_spacing });
  return { from: { size: image.size, affine: image.affine }, to: grid, source };
}

export interface SegmenterOptions {
  readonly run: RunFile;
  readonly model: Model;
  readonly pipeline: Pipeline;
  readonly signal: AbortSignal;
  /** Told after every window, or slices, of an image. */
  readonly progress: (job: Job, done: number, all: number) => void;
}

/** Segments images one after the other through one pipeline. */
export class Segmenter {
  readonly #options: SegmenterOptions;
  /** On the data plane every pass is a step. */
  #step = 0;

  constructor(options: SegmenterOptions) {
    this.#options = options;
  }

  /** Writes what a job asks for, on the grid of its image; returns the label map. */
  async segment(job: Job, placed: Placed): Promise<Volume<Uint8Array>> {
    const probabilities = await this.#openProbabilities(job, placed);
    try {
      const labels = await this.#labels(job, placed, probabilities);
      const { from, to, source } = placed;
      const seen = { ...from, channels: 1, values: labels };
      const volume = sameGrid(from, to) ? seen : resampleTo(seen, to, 'nearest', 0);
      await probabilities?.finish();
      await writeNifti(job.output, volume, { type: 'uint8', like: source });
      return volume;
    } catch (error) {
      await probabilities?.discard();
      throw error;
    }
  }

  async #openProbabilities({ probabilities: file }: Job, placed: Placed): Promise<ProbabilitiesFile | undefined> {
    if (file === undefined) return undefined;
    return ProbabilitiesFile.create({ file, classes: this.#options.model.outChannels, like: placed.source, ...placed });
  }

  async #labels(job: Job, { from }: Placed, probabilities: ProbabilitiesFile | undefined): Promise<Uint8Array> {
    const { run, model } = this.#options;
    const classes = model.outChannels;
    const [nx, ny, nz] = from.size;
    const labels = new Uint8Array(nx * ny * nz);
    const take = async (plane: FinishedPlane): Promise<void> => {
      mostLikely(plane.values, classes, labels.subarray(plane.z * nx * ny, (plane.z + 1) * nx * ny));
      if (!probabilities) return;
      softmax(plane.values, classes);
      await probabilities.add(plane);
    };
    if (run.inference.mode === 'sliding') await this.#slide(job, from.size, take);
    else if (probabilities) await this.#wholeByPlanes(job, from.size, take);
    else return this.#whole(job, from);
    return labels;
  }

  /** The last stage says which class is likeliest: a byte a voxel comes back. */
  async #whole(job: Job, from: Grid): Promise<Uint8Array> {
    const image = { ...from, channels: 1, values: new Uint8Array(0) };
    const parts: Uint8Array[] = [];
    await this.#pass(job, from.size, 'labels', async ({ values }) => void parts.push(values as Uint8Array));
    return labelsOf(image, this.#options.model, parts).values;
  }

  async #wholeByPlanes(job: Job, size: Triple, take: (plane: FinishedPlane) => Promise<void>): Promise<void> {
    const { divisor, spatialDims, outChannels: classes } = this.#options.model;
    const padded = paddedSize(size, divisor, spatialDims);
    const [x, y, z] = size.map((length, axis) => -marginBefore(length, padded[axis]!));
    let first = z!;
    await this.#pass(job, size, 'logits', async ({ header, values }) => {
      const slices = spatialDims === 2 ? header.shape[0]! : padded[2];
      const box = [padded[0], padded[1], slices] as const;
      const planes = planesOf(values as Float32Array, { start: [x!, y!, first], box, size, classes });
      for (const plane of planes) await take(plane);
      first += slices;
    });
  }

  async #pass(
    job: Job,
    size: Triple,
    output: 'logits' | 'labels',
    take: (message: TensorMessage) => Promise<void>,
  ): Promise<void> {
    const { pipeline, model, progress } = this.#options;
    const microBatches = microBatchesOf({ size }, model);
    let done = 0;
    const source: Source = { kind: 'image', files: job.files.map((file) => resolve(file)) };
    await pipeline.stream({ step: this.#step++, source, microBatches }, output, async (message) => {
      await take(message);
      progress(job, ++done, microBatches.length);
    });
  }

  /**
   * Window by window: as many as are asked for go through the pipeline in one pass, and the next pass enters it while this one
   * leaves, so that no worker waits between passes. What comes out is put together in order.
   */
  async #slide(job: Job, size: Triple, take: (plane: FinishedPlane) => Promise<void>): Promise<void> {
    const { run, model, signal, progress } = this.#options;
    const { windows, importance } = windowsFor(size, run.inference, model);
    const stitcher = new Stitcher(windows, model.outChannels, importance);
    const { starts, roi } = windows;
    let done = 0;
    let before: Promise<void> = Promise.resolve();
    for (let first = 0; first < starts.length; first += run.inference.sw_batch_size) {
      signal.throwIfAborted();
      const turn = before;
      const some = starts.slice(first, first + run.inference.sw_batch_size);
      before = this.#windows(job, some, roi, async ({ values }) => {
        await turn;
        for (const plane of stitcher.add(values as Float32Array)) await take(plane);
        progress(job, ++done, starts.length);
      });
      // Whoever waits for it, below or in the next pass, is told.
      before.catch(() => {});
      await turn;
    }
    await before;
  }

  #windows(
    { files }: Job,
    starts: readonly Triple[],
    roi: Triple,
    take: (message: TensorMessage) => Promise<void>,
  ): Promise<void> {
    const { run, model, pipeline } = this.#options;
    const { padding_mode: mode, cval: value } = run.inference;
    const source: Source = {
      kind: 'windows',
      files: files.map((file) => resolve(file)),
      starts: starts.map(([x, y, z]) => [x, y, z]),
      box: [roi[0], roi[1], roi[2]],
      padding: { mode, value },
    };
    const microBatches = starts.map(() => (model.spatialDims === 2 ? roi[2] : 1));
    return pipeline.stream({ step: this.#step++, source, microBatches }, 'logits', take);
  }
}
