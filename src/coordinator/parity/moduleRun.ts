import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stagesPerWorkerOf } from '../../config/scheduleName.ts';
import type { NetworkSpec } from '../../config/schema/network.ts';
import { writeSafetensors, type StoredTensor } from '../../checkpoint/safetensors.ts';
import type { Model } from '../../models/cell.ts';
import { parameterSpecs } from '../../models/describe.ts';
import { buildModel } from '../../models/index.ts';
import { chunk } from '../../pipeline/microBatch.ts';
import { inputGradientName } from '../../transport/names.ts';
import type { Pipeline } from '../pipeline.ts';
import { compareElements, compareGradients, DIRECT, type Comparison } from './compare.ts';
import { foldSlices } from './foldSlices.ts';
import type { CrewedOptions, ParityOptions } from './index.ts';
import { networkOf, type ModuleCase } from './moduleSchema.ts';
import { tensorOf, tensorsUnder, type ReferenceCase } from './referenceCase.ts';
import { collect, joinOutputs, pairs, scheduleOf } from './replayRun.ts';

/** What came of a module, and the most workers that it can have: each holds one cell at least, of every stage that it has. */
export interface ModuleOutcome {
  readonly errors: readonly Comparison[];
  readonly mostWorkers: number;
}

/** A module as a network of its own, and how it is cut. */
interface ModuleRun {
  readonly reference: ReferenceCase;
  readonly network: NetworkSpec;
  readonly model: Model;
  /** Samples of every micro-batch. */
  readonly microBatches: readonly number[];
  readonly directory: string;
}

/**
 * Runs a module through real worker processes: forward in training, back from the gradient that the case gives to that of its
 * input, and forward in evaluation.
 */
export async function runModuleCase(
  given: ReferenceCase,
  description: ModuleCase,
  options: CrewedOptions,
): Promise<ModuleOutcome> {
  const reference = foldSlices(given, description.args.spatial_dims);
  const [batch = 1, channels = 1] = tensorOf(reference, 'input').shape;
  const network = networkOf(description, channels);
  const model = buildModel(network);
  const cut = scheduleFor(model, options);
  const directory = await mkdtemp(join(tmpdir(), 'lamp-parity-'));
  const run = { reference, network, model, directory, microBatches: cutBatch(model, batch, options) };
  try {
    const pipeline = await launch(run, cut.options);
    try {
      return { errors: await compareRun(run, pipeline), mostWorkers: cut.mostWorkers };
    } finally {
      pipeline.release();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** As many workers as were asked for, if there are cells for them; a module of fewer cells than stages runs in GPipe's order. */
function scheduleFor(model: Model, options: CrewedOptions): { options: CrewedOptions; mostWorkers: number } {
  const { schedule = 'gpipe', placement, workers = 1 } = options;
  const own = stagesPerWorkerOf({ schedule }) ?? 1;
  const perWorker = placement === undefined ? own : placement === 'consecutive' ? 1 : 2;
  if (model.cells.length < perWorker) {
    const { placement: _, ...others } = options;
    return { options: { ...others, schedule: 'gpipe', workers: 1 }, mostWorkers: 1 };
  }
  const mostWorkers = Math.floor(model.cells.length / perWorker);
  return { options: { ...options, workers: Math.min(workers, mostWorkers) }, mostWorkers };
}

/** The case is one batch. Where batch normalization has part in it only the whole batch gives the case's numbers. */
function cutBatch(model: Model, batch: number, { microBatches = 1 }: ParityOptions): readonly number[] {
  const normalized = parameterSpecs(model.cells).some(({ role }) => role === 'buffer');
  return chunk(batch, normalized ? 1 : microBatches);
}

async function launch(run: ModuleRun, options: CrewedOptions): Promise<Pipeline> {
  const { network, reference, directory, microBatches } = run;
  const file = await writeReplay(run, join(directory, 'case.safetensors'));
  const { shape } = tensorOf(reference, 'input');
  return options.crew.lay({
    model: network,
    loss: { name: 'given_gradient' },
    optimizer: { name: 'sgd', lr: 1, momentum: 0, nesterov: false, weight_decay: 0 },
    seed: 0,
    inputGradient: true,
    workers: options.workers ?? 1,
    ...scheduleOf(options, options.workers ?? 1),
    recompute: options.recompute ?? 'except_last',
    skips: options.skips,
    batchNorm: 'micro',
    engine: { name: options.engine ?? 'auto' },
    weights: { file, prefix: 'param.' },
    loader: { kind: 'replay', file },
    microBatchShape: [microBatches[0]!, ...shape.slice(2), shape[1]!],
    microBatches: microBatches.length,
    costs: 'estimated',
    signal: options.signal,
  });
}

/** What stands before a block's parameters in our network, and not in the case. */
const prefixOf = ({ name }: NetworkSpec): string => (name === 'block' ? 'block.' : '');

/** The case as one step of a replay, its parameters by our names. */
async function writeReplay({ reference, network }: ModuleRun, path: string): Promise<string> {
  const step = (name: string): [string, StoredTensor] => {
    const tensor = tensorOf(reference, name);
    return [name, { ...tensor, shape: [1, ...tensor.shape] }];
  };
  const parameters = [...tensorsUnder(reference, 'param.')].map(
    ([name, tensor]) => [`param.${prefixOf(network)}${name}`, tensor] as const,
  );
  await writeSafetensors(path, new Map([step('input'), step('grad_output'), ...parameters]));
  return path;
}

async function compareRun(run: ModuleRun, pipeline: Pipeline): Promise<Comparison[]> {
  const { reference, microBatches, directory } = run;
  const source = { kind: 'replay', step: 0 } as const;
  const trained = await pipeline.train({ step: 0, source, microBatches, draws: [], norm: false, logits: true });
  const gradients = await collect(pipeline, 'gradients', directory);
  const evaluated = await pipeline.evaluate({ step: 1, source, microBatches }, 'logits');
  const output = (name: string, got: Float32Array): Comparison =>
    compareElements(name, [{ name, got, expected: tensorOf(reference, name).values }], DIRECT);
  return [
    output('output', joinOutputs(trained.outputs)),
    ...compareBack(run, gradients),
    output('eval_output', joinOutputs(evaluated)),
  ];
}

/** The gradient of the input and, where there are any, those of the parameters. */
function compareBack(
  { reference, network, microBatches }: ModuleRun,
  gradients: ReadonlyMap<string, StoredTensor>,
): Comparison[] {
  const parts = microBatches.map((_, m) => (gradients.get(inputGradientName(m))?.values as Float32Array) ?? []);
  const got = Float32Array.from(parts.flatMap((part) => Array.from(part)));
  const input = { name: 'grad_input', got, expected: tensorOf(reference, 'grad_input').values };
  const prefix = prefixOf(network);
  const own = new Map([...gradients].map(([name, tensor]) => [name.slice(prefix.length), tensor]));
  const parameters = pairs(tensorsUnder(reference, 'grad.'), own);
  return [
    compareGradients('grad_input', [input]),
    ...(parameters.length > 0 ? [compareGradients('grad', parameters)] : []),
  ];
}
