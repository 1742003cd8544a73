import { channelsFirst, channelsLast } from '../../checkpoint/pytorchLayout.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { diceLoss, type ClassLosses } from '../../losses/dice.ts';
import { focalLoss } from '../../losses/focal.ts';
import { reduceLosses } from '../../losses/reduction.ts';
import { meanDice } from '../../metrics/meanDice.ts';
import { compareElements, compareGradients, DIRECT, type Comparison } from './compare.ts';
import { runSurfaceCase } from './surfaceCase.ts';
import { tensorOf, type LossCase, type MetricCase, type ReferenceCase } from './referenceCase.ts';

/** A loss and the gradient of its sum with respect to the logits. */
export function runLossCase(engine: Engine, reference: ReferenceCase, description: LossCase): Comparison[] {
  const logits = upload(engine, reference, 'logits');
  const target = upload(engine, reference, 'target');
  const each = evaluate(engine, logits, target, description);
  const { values, gradient } = reduceLosses(engine, each, description.reduction);
  const gradientValues = channelsFirst(engine.read(gradient) as Float32Array, gradient.shape).values;
  const loss = { name: 'loss', got: engine.read(values), expected: tensorOf(reference, 'loss').values };
  const grad = { name: 'grad', got: gradientValues, expected: tensorOf(reference, 'grad').values };
  [logits, target, each.values, each.gradient, values, gradient].forEach((tensor) => tensor.dispose());
  return [compareElements('loss', [loss], DIRECT), compareGradients('grad', [grad])];
}

function evaluate(engine: Engine, logits: Tensor, target: Tensor, description: LossCase): ClassLosses {
  if (description.loss === 'FocalLoss') return focalLoss(engine, logits, target, description.gamma);
  const { softmax, sigmoid, include_background, squared_pred, jaccard } = description;
  return diceLoss(engine, logits, target, {
    activation: softmax ? 'softmax' : sigmoid ? 'sigmoid' : 'none',
    includeBackground: include_background,
    squared: squared_pred,
    jaccard,
  });
}

function upload(engine: Engine, reference: ReferenceCase, name: string): Tensor {
  const { values, shape } = tensorOf(reference, name);
  const last = channelsLast(values as Float32Array, shape);
  return engine.tensor(last.values, last.shape);
}

/** Dice of every sample and class, or the distances between their surfaces. */
export function runMetricCase(reference: ReferenceCase, description: MetricCase): Comparison[] {
  if (description.metric === 'surface') return runSurfaceCase(reference, description);
  const { include_background } = description;
  const [logits, target] = (['logits', 'target'] as const).map((name) => {
    const { values, shape } = tensorOf(reference, name);
    return channelsLast(values as Float32Array, shape);
  });
  const sizes = { batch: logits!.shape[0]!, classes: logits!.shape.at(-1)! };
  const got = Float32Array.from(meanDice(logits!.values, target!.values, sizes, include_background).flat());
  return [compareElements('value', [{ name: 'value', got, expected: tensorOf(reference, 'value').values }], DIRECT)];
}
