import { readdirSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { channelsFirst } from '../../src/checkpoint/pytorchLayout.ts';
import { startEngine } from '../../src/engine/index.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { diceLoss, type ClassLosses } from '../../src/losses/dice.ts';
import { focalLoss } from '../../src/losses/focal.ts';
import { reduceLosses, type Reduction } from '../../src/losses/reduction.ts';
import { expectOutput, goldenCase, gradientError, type GoldenCase } from '../support/golden.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'tensorflow' });
});

const names = readdirSync(new URL('../fixtures/golden', import.meta.url))
  .filter((name) => name.startsWith('loss_'))
  .map((name) => name.replace('.safetensors', ''));

const evaluate = (golden: GoldenCase): ClassLosses => {
  const { about } = golden;
  const logits = golden.activation(engine, 'logits');
  const target = golden.activation(engine, 'target');
  if (about['loss'] === 'FocalLoss') return focalLoss(engine, logits, target, about['gamma'] as number);
  return diceLoss(engine, logits, target, {
    activation: about['softmax'] ? 'softmax' : 'sigmoid',
    includeBackground: (about['include_background'] as boolean | undefined) ?? true,
    squared: about['squared_pred'] === true,
    jaccard: about['jaccard'] === true,
  });
};

test.each(names)('%s agrees with MONAI 0.2.0 in value and gradient', async (name) => {
  const golden = await goldenCase(name);
  const { values, gradient } = engine.tidy(() =>
    reduceLosses(engine, evaluate(golden), golden.about['reduction'] as Reduction),
  );
  const expected = golden.floats('loss');
  expectOutput(engine.read(values), expected);
  const moved = channelsFirst(engine.read(gradient) as Float32Array, gradient.shape);
  const { error, largest } = gradientError(moved.values, golden.floats('grad'));
  expect(moved.shape).toEqual(golden.shape('grad'));
  expect(error).toBeLessThanOrEqual(1e-4 * largest);
});
