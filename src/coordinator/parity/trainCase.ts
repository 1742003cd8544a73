import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chunk } from '../../pipeline/microBatch.ts';
import type { TensorMessage } from '../../transport/tensorMessage.ts';
import type { Pipeline } from '../pipeline.ts';
import { compareElements, compareGradients, DIRECT, MULTIPLIED, type Comparison } from './compare.ts';
import type { CrewedOptions } from './index.ts';
import { tensorOf, tensorsUnder, type ReferenceCase, type TrainCase } from './referenceCase.ts';
import { collect, joinOutputs, pairs, scheduleOf } from './replayRun.ts';

/** Runs a training case through real worker processes, and compares all that it says. */
export async function runTrainCase(
  reference: ReferenceCase,
  description: TrainCase,
  options: CrewedOptions,
): Promise<Comparison[]> {
  const directory = await mkdtemp(join(tmpdir(), 'lamp-parity-'));
  const { pipeline, microBatches } = await launch(reference, description, options);
  try {
    return await compareRun(reference, description, pipeline, { microBatches, directory });
  } finally {
    pipeline.release();
    await rm(directory, { recursive: true, force: true });
  }
}

async function launch(
  reference: ReferenceCase,
  { model, shape, batch, batch_norm, optimizer, micro_batches }: TrainCase,
  options: CrewedOptions,
): Promise<{ pipeline: Pipeline; microBatches: readonly number[] }> {
  const microBatches = chunk(batch, options.microBatches ?? micro_batches);
  const file = resolve(reference.file);
  const classWeights = [...(tensorOf(reference, 'class_weights').values as Float32Array)];
  const workers = options.workers ?? 1;
  const { schedule, stagesPerWorker, placement } = scheduleOf(options, workers);
  const pipeline = await options.crew.lay({
    model,
    optimizer,
    loss: { name: 'lamp', focal_weight: 0.5, focal_gamma: 2, class_weights: classWeights },
    seed: 0,
    ...{ workers, schedule, stagesPerWorker, placement },
    replicas: Math.min(options.replicas ?? 1, microBatches.length),
    recompute: options.recompute ?? 'except_last',
    skips: options.skips,
    batchNorm: batch_norm,
    engine: { name: options.engine ?? 'auto' },
    weights: { file, prefix: 'param.' },
    loader: { kind: 'replay', file },
    microBatchShape: [microBatches[0]!, ...shape, model.in_channels],
    microBatches: microBatches.length,
    costs: 'estimated',
    signal: options.signal,
  });
  return { pipeline, microBatches };
}

async function compareRun(
  reference: ReferenceCase,
  { steps, optimizer }: TrainCase,
  pipeline: Pipeline,
  { microBatches, directory }: { microBatches: readonly number[]; directory: string },
): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const source = { kind: 'replay', step } as const;
    const result = await pipeline.train({ step, source, microBatches, draws: [], norm: false, logits: step === 0 });
    losses.push(result.loss);
    if (step === 0) {
      comparisons.push(compareOutputs(reference, 'output', result.outputs));
      const gradients = await collect(pipeline, 'gradients', directory);
      comparisons.push(compareGradients('grad', pairs(tensorsUnder(reference, 'grad.'), gradients)));
    }
    await pipeline.apply(optimizer.lr);
  }
  const expectedLosses = tensorOf(reference, 'losses').values;
  comparisons.push(
    compareElements('losses', [{ name: 'losses', got: Float64Array.from(losses), expected: expectedLosses }], DIRECT),
  );
  const after = await collect(pipeline, 'parameters', directory);
  comparisons.push(compareElements('after', pairs(tensorsUnder(reference, 'after.'), after), MULTIPLIED));
  const evaluated = await pipeline.evaluate(
    { step: steps, source: { kind: 'replay', step: 0 }, microBatches },
    'logits',
  );
  comparisons.push(compareOutputs(reference, 'eval_output', evaluated));
  return comparisons;
}

function compareOutputs(
  reference: ReferenceCase,
  name: 'output' | 'eval_output',
  messages: readonly TensorMessage[],
): Comparison {
  const got = joinOutputs(messages);
  const { values: expected } = tensorOf(reference, name);
  return compareElements(name, [{ name, got, expected }], name === 'output' ? DIRECT : MULTIPLIED);
}
