import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSafetensors, writeSafetensors, type StoredTensor } from '../../src/checkpoint/safetensors.ts';
import { Pipeline } from '../../src/coordinator/pipeline.ts';
import type { StepResult } from '../../src/coordinator/stepRequest.ts';
import type { PipelineOptions } from '../../src/coordinator/pipelineOptions.ts';
import { schedules } from '../../src/pipeline/schedules.ts';
import type { UnetPipeSpec } from '../../src/models/unetpipe.ts';
import { chunk } from '../../src/pipeline/microBatch.ts';
import { sizeOf } from '../../src/engine/tensor.ts';
import { randomArray } from './arrays.ts';

/** Mini-batches that a test makes up: `steps` times (batch, channels, …size), with labels and with every class annotated. */
export interface ReplaySpec {
  readonly steps?: number;
  readonly batch: number;
  readonly channels?: number;
  readonly classes?: number;
  readonly size: readonly number[];
  readonly seed?: number;
}

export async function writeReplay(path: string, spec: ReplaySpec): Promise<string> {
  const { steps = 1, batch, channels = 1, classes = 2, size, seed = 1 } = spec;
  const input = [steps, batch, channels, ...size];
  const labels = [steps, batch, ...size];
  const flags = [steps, batch, classes];
  const classOf = (value: number): number => Math.min(classes - 1, Math.floor(((value + 1) / 2) * classes));
  await writeSafetensors(
    path,
    new Map([
      ['input', { shape: input, values: Float32Array.from(randomArray(input, seed).values) }],
      ['labels', { shape: labels, values: Uint8Array.from(randomArray(labels, seed + 1).values, classOf) }],
      ['flags', { shape: flags, values: new Float32Array(sizeOf(flags)).fill(1) }],
    ]),
  );
  return path;
}

/** Twelve cells; images need multiples of 4. */
export const smallModel = (spec: Partial<UnetPipeSpec> = {}): UnetPipeSpec => ({
  ...{ name: 'unetpipe', spatial_dims: 2, in_channels: 1, out_channels: 2, n_feat: 4, depth: 1, norm: 'batch' },
  deep_supervision: false,
  ...spec,
});

export interface ReplayRun {
  readonly file: string;
  readonly batch: number;
  readonly microBatches: number;
  readonly size: readonly number[];
}

/** A pipeline of real worker processes over made-up mini-batches, unless told otherwise on one thread each. */
export const launchReplay = (run: ReplayRun, options: Partial<PipelineOptions> = {}): Promise<Pipeline> =>
  Pipeline.launch(replayOptions(run, options));

/** What it is launched from. */
export function replayOptions(run: ReplayRun, options: Partial<PipelineOptions> = {}): PipelineOptions {
  const model = options.model ?? smallModel();
  const sizes = chunk(run.batch, run.microBatches);
  return {
    model,
    loss: { name: 'lamp', focal_weight: 0.5, focal_gamma: 2 },
    optimizer: { name: 'sgd', lr: 0.1, momentum: 0.9, nesterov: false, weight_decay: 0 },
    seed: 7,
    workers: 2,
    schedule: schedules.gpipe,
    recompute: 'except_last',
    batchNorm: 'micro',
    engine: { name: 'auto', threads: 1 },
    loader: { kind: 'replay', file: run.file },
    microBatchShape: [sizes[0]!, ...run.size, model.in_channels],
    microBatches: sizes.length,
    costs: 'estimated',
    signal: new AbortController().signal,
    ...options,
  };
}

/** One step forward and backward. */
export const takeStep = (
  pipeline: Pipeline,
  run: ReplayRun,
  step: number,
  options: { norm?: boolean; logits?: boolean; gathers?: boolean } = {},
): Promise<StepResult> =>
  pipeline.train({
    step,
    source: { kind: 'replay', step },
    microBatches: chunk(run.batch, run.microBatches),
    draws: Array.from({ length: run.batch }, (_, sample) => `${step} ${sample}`),
    norm: options.norm ?? false,
    logits: options.logits ?? false,
    gathers: options.gathers ?? false,
  });

/** What all workers together hold, by name. */
export async function heldBy(
  pipeline: Pipeline,
  what: 'parameters' | 'teacher' | 'gradients',
): Promise<ReadonlyMap<string, StoredTensor>> {
  const folder = await mkdtemp(join(tmpdir(), 'lamp-test-'));
  try {
    const files = await pipeline.dump(what, (worker) => join(folder, `${worker}.safetensors`));
    const parts = await Promise.all(files.map((file) => readSafetensors(file)));
    return new Map(parts.flatMap(({ tensors }) => [...tensors]));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The largest difference of two sets of tensors, in proportion to the largest element of all; 0 is bit for bit. */
export function differenceOf(a: ReadonlyMap<string, StoredTensor>, b: ReadonlyMap<string, StoredTensor>): number {
  if ([...a.keys()].toSorted().join() !== [...b.keys()].toSorted().join()) return Infinity;
  let [difference, largest] = [0, 0];
  for (const [name, { values }] of a) {
    const others = b.get(name)!.values;
    for (let i = 0; i < values.length; i++) {
      const [x, y] = [Number(values[i]), Number(others[i])];
      // A NaN makes the sum NaN, and so is not overlooked.
      difference = Math.max(difference, Math.abs(x - y));
      largest = Math.max(largest, Math.abs(x));
    }
  }
  return difference / largest;
}
