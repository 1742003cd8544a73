import { beforeAll, describe, expect, test } from 'vitest';
import { dumpGradients, dumpParameters, loadParameters } from '../../src/checkpoint/parameters.ts';
import { channelsFirst } from '../../src/checkpoint/pytorchLayout.ts';
import { SafetensorsFile } from '../../src/checkpoint/safetensors.ts';
import { lossSchema } from '../../src/config/schema/loss.ts';
import { modelSchema } from '../../src/config/schema/model.ts';
import { optimizerSchema } from '../../src/config/schema/optimizer.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import type { Pass } from '../../src/layers/layer.ts';
import { ParameterStore } from '../../src/layers/parameterStore.ts';
import { lossFromSpec } from '../../src/losses/index.ts';
import type { Model } from '../../src/models/cell.ts';
import { parameterSpecs } from '../../src/models/describe.ts';
import { buildModel } from '../../src/models/index.ts';
import { optimizerFromSpec } from '../../src/optimizers/index.ts';
import { expectOutput, goldenCase, gradientError, type GoldenCase } from '../support/golden.ts';
import { backwardCells, evaluateCells, forwardCells } from '../support/singleProcess.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'tensorflow' });
});

interface Trained {
  readonly losses: number[];
  readonly output: Float32Array;
  readonly gradients: ReturnType<typeof dumpGradients>;
  readonly parameters: ReturnType<typeof dumpParameters>;
  readonly evalOutput: Float32Array;
}

/** The training run of a reference case, in one process without a pipeline. */
async function train(golden: GoldenCase, model: Model): Promise<Trained> {
  const { about } = golden;
  const store = new ParameterStore(engine);
  const file = await SafetensorsFile.open(golden.path);
  await loadParameters(engine, store, parameterSpecs(model.cells), file, 'param.');
  await file.close();
  const optimizerSpec = optimizerSchema.parse(about['optimizer']);
  const optimizer = optimizerFromSpec(engine, optimizerSpec);
  const pass: Pass = {
    engine,
    parameters: store,
    mode: 'train',
    recomputing: false,
    batchNorm: 'micro',
    keep: true,
    draws: [],
  };
  const losses: number[] = [];
  let output = new Float32Array(0) as Float32Array;
  let gradients: Trained['gradients'] = new Map();
  for (let step = 0; step < (about['steps'] as number); step++) {
    const { loss, outputs } = trainStep(golden, model, pass, step);
    losses.push(loss);
    if (step === 0) [output, gradients] = [outputs, dumpGradients(engine, store)];
    optimizer.step(store.trainable(), optimizerSpec.lr);
    store.clearGradients();
  }
  const first = stepInput(golden, 0);
  const evaluated = evaluateCells(pass, model.cells, first, engine);
  const evalOutput = channelsFirst(engine.read(evaluated) as Float32Array, evaluated.shape).values;
  const parameters = dumpParameters(engine, store);
  [first, evaluated, optimizer, store].forEach((owned) => owned.dispose());
  return { losses, output, gradients, parameters, evalOutput };
}

const stepInput = (golden: GoldenCase, step: number) =>
  engine.tidy(() => {
    const [steps, ...shape] = golden.shape('input') as [number, ...number[]];
    const size = golden.floats('input').length / steps;
    const values = engine.tensor(golden.floats('input').slice(step * size, (step + 1) * size), shape);
    return engine.math.transpose(values, [0, ...shape.slice(2).map((_, axis) => axis + 2), 1]);
  });

/** Forward and backward of every micro-batch in turn. */
function trainStep(
  golden: GoldenCase,
  model: Model,
  pass: Pass,
  step: number,
): { loss: number; outputs: Float32Array } {
  const [steps, batch, ...spatial] = golden.shape('labels') as [number, number, ...number[]];
  const loss = lossFromSpec(
    lossSchema.parse({ name: 'lamp', class_weights: [...golden.floats('class_weights')] }),
    model.outChannels,
  );
  const input = stepInput(golden, step);
  const perStep = golden.bytes('labels').length / steps;
  const labels = engine.tensor(golden.bytes('labels').slice(step * perStep, (step + 1) * perStep), [batch, ...spatial]);
  const perFlags = golden.floats('flags').length / steps;
  const flags = engine.tensor(golden.floats('flags').slice(step * perFlags, (step + 1) * perFlags), [
    batch,
    model.outChannels,
  ]);
  const size = Math.ceil(batch / (golden.about['micro_batches'] as number));
  const outputs: number[] = [];
  let total = 0;
  for (let start = 0; start < batch; start += size) {
    const count = Math.min(size, batch - start);
    const part = <T extends typeof input>(tensor: T) =>
      engine.math.slice(tensor, [start, ...tensor.shape.slice(1).fill(0)], [count, ...tensor.shape.slice(1)]);
    const [x, y, f] = [part(input), part(labels), part(flags)];
    const { output, saved } = forwardCells(pass, model.cells, x);
    const { value, gradient } = loss.evaluate(engine, output, { labels: y, flags: f, batchSize: batch });
    total += value;
    outputs.push(...channelsFirst(engine.read(output) as Float32Array, output.shape).values);
    backwardCells(pass, model.cells, saved, gradient);
    [x, y, f, output].forEach((tensor) => tensor.dispose());
  }
  [input, labels, flags].forEach((tensor) => tensor.dispose());
  return { loss: total, outputs: Float32Array.from(outputs) };
}

describe.each(['unet2d_micro2', 'unet3d_flags'])('%s, a training run of the LAMP research code', (name) => {
  let golden: GoldenCase;
  let trained: Trained;
  let before: ReturnType<Engine['memory']>;
  beforeAll(async () => {
    golden = await goldenCase(name);
    before = engine.memory();
    trained = await train(golden, buildModel(modelSchema.parse(golden.about['model'])));
  });

  test('has the same output in the first step', () => expectOutput(trained.output, golden.floats('output')));

  test('has the same losses', () => expectOutput(trained.losses, golden.doubles('losses')));

  test('has the same gradients in the first step', () => {
    const names = [...trained.gradients.keys()];
    const errors = names.map((parameter) => ({
      parameter,
      shape: golden.shape(`grad.${parameter}`),
      ...gradientError(trained.gradients.get(parameter)!.values as Float32Array, golden.floats(`grad.${parameter}`)),
    }));
    const largest = Math.max(...errors.map((entry) => entry.largest));
    for (const { parameter, shape, error, largest: own } of errors) {
      expect(trained.gradients.get(parameter)!.shape, parameter).toEqual(shape);
      expect(error, parameter).toBeLessThanOrEqual(Math.max(5e-3 * own, 1e-6 * largest));
    }
  });

  test('ends with the same parameters, running statistics and evaluation', () => {
    const excess = (actual: Float32Array, expected: Float32Array) =>
      actual.reduce(
        (worst, a, i) => Math.max(worst, Math.abs(a - expected[i]!) - 1e-4 - 1e-2 * Math.abs(expected[i]!)),
        -1,
      );
    for (const [parameter, { values }] of trained.parameters)
      expect(excess(values as Float32Array, golden.floats(`after.${parameter}`)), parameter).toBeLessThanOrEqual(0);
    expect(excess(trained.evalOutput, golden.floats('eval_output'))).toBeLessThanOrEqual(0);
  });

  test('leaves no tensor behind', () => expect(engine.memory()).toEqual(before));
});
