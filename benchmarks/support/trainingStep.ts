import type { RecomputeMode } from '../../src/config/runFile.ts';
import { modelSchema } from '../../src/config/schema/model.ts';
import { optimizerSchema } from '../../src/config/schema/optimizer.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { Tensor } from '../../src/engine/tensor.ts';
import { ParameterStore } from '../../src/layers/parameterStore.ts';
import { CrossEntropyLoss } from '../../src/losses/crossEntropy.ts';
import { parameterSpecs } from '../../src/models/describe.ts';
import { buildModel } from '../../src/models/index.ts';
import { initializeParameters } from '../../src/models/initialize.ts';
import { optimizerFromSpec } from '../../src/optimizers/index.ts';
import { RandomStream } from '../../src/random/stream.ts';
import { Stage } from '../../src/worker/stage.ts';

export interface StepOptions {
  readonly features: number;
  /** Along every one of three axes. */
  readonly size: number;
  /** Of one sample each. */
  readonly microBatches: number;
  readonly recompute: RecomputeMode;
}

const CLASSES = 10;
const RATE = 1e-3;

/** A network in one stage with its optimizer; every call of what it returns is one training step, forward to update. */
export function trainingStep(engine: Engine, options: StepOptions): () => number {
  const { features, size, microBatches, recompute } = options;
  const model = buildModel(modelSchema.parse({ name: 'unetpipe', out_channels: CLASSES, n_feat: features }));
  const parameters = new ParameterStore(engine);
  initializeParameters(engine, parameters, parameterSpecs(model.cells), 1);
  const optimizer = optimizerFromSpec(engine, optimizerSchema.parse({ name: 'rmsprop', lr: RATE }));
  const stage = new Stage({ engine, parameters, recompute, batchNorm: 'micro', cells: model.cells, first: true });
  const loss = new CrossEntropyLoss();
  const samples = Array.from({ length: microBatches }, (_, index) => drawSample(engine, size, index));

  return () => {
    const gradients: Tensor[] = [];
    let total = 0;
    for (const [index, { image, labels }] of samples.entries()) {
      const { output } = stage.forward(index, microBatches, engine.share(image), new Map(), [`sample ${index}`]);
      const { value, gradient } = loss.evaluate(engine, output, { labels, batchSize: microBatches });
      output.dispose();
      gradients.push(gradient);
      total += value;
    }
    for (const index of gradients.keys()) stage.backward(index, gradients[index]!, new Map());
    optimizer.step(parameters.trainable(), RATE);
    parameters.clearGradients();
    return total;
  };
}

function drawSample(engine: Engine, size: number, index: number): { image: Tensor; labels: Tensor } {
  const stream = new RandomStream('benchmark', index);
  const shape = [1, size, size, size];
  const image = stream.fillNormal(new Float32Array(size ** 3), 1);
  const labels = Int32Array.from(image, () => stream.integer(CLASSES));
  return { image: engine.tensor(image, [...shape, 1]), labels: engine.tensor(labels, shape) };
}
