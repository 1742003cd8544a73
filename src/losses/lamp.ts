import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Loss, LossResult, LossTarget } from './loss.ts';
import { evaluatePerSample, type Sample } from './perSample.ts';
import { trueClass } from './trueClass.ts';

export interface LampLossOptions {
  readonly focalWeight: number;
  readonly focalGamma: number;
  /** One for each class. */
  readonly classWeights: readonly number[];
}

/** MONAI 0.2.0's smoothing, in the numerator and in the denominator of the Dice loss. */
const SMOOTH = 1e-5;

/** 1 − p of a probability that float32 rounds to 1 is not 0, so that its powers stay finite. */
const SMALLEST_REST = 6e-8;

/**
 * The loss of LAMP (Zhu et al., MICCAI 2020, after AnatomyNet, Zhu et al. 2019): for each sample and class
 *
 *     Dice = 1 − (2·Σ p·t + ε) / (Σ p + Σ t + ε)        p softmax of the logits, t the one-hot labels, ε = 1e-5
 *     focal = mean over voxels of −t·(1 − p)^γ·log p
 *
 * and of (Dice + λ·focal) · flag · class weight the mean over the samples of the mini-batch and the classes.
 */
export class LampLoss implements Loss {
  readonly #options: LampLossOptions;

  constructor(options: LampLossOptions) {
    this.#options = options;
  }

  evaluate(engine: Engine, logits: Tensor, target: LossTarget): LossResult {
    const { math } = engine;
    const { classWeights } = this.#options;
    const classes = classWeights.length;
    return engine.tidy(() => {
      const share = Float32Array.from(classWeights, (weight) => weight / (target.batchSize * classes));
      const shares = engine.tensor(share, [classes, 1]);
      return evaluatePerSample(engine, logits, target, (sample) => {
        const weights = sample.flags ? math.mul(shares, sample.flags) : shares;
        return sampleLoss(engine, sample, weights, this.#options);
      });
    });
  }
}

/**
 * One sample (voxels s, classes c), with the true class y of each voxel and the weights w of the classes. With
 * D = Σp + Σt + ε and N = 2Σpt + ε the gradient with respect to p is A·t + B, where A = −2w/D and B = w·N/D², and the focal
 * loss reads the true class only. Through the softmax all of it becomes two terms for each voxel:
 *
 *     dl = p·(B − u) + h·t        h = p_y·A_y + λw_y/S · (γ·(1−p_y)^(γ−1)·p_y·log p_y − (1−p_y)^γ),   u = Σ p·B + h
 *
 * Sums over voxels by class, and what a voxel reads by its class, are products with the one-hot labels: matrix products.
 */
const sampleLoss = (
  engine: Engine,
  { logits, labels }: Sample,
  weights: Tensor,
  { focalWeight, focalGamma }: LampLossOptions,
): { value: Tensor; gradient: Tensor } => {
  const { math } = engine;
  const { add, concat, div, matMul, mul, reshape, square, sub, sum } = math;
  const [voxels, classes] = logits.shape as [number, number];
  const { p, t, logTrue } = trueClass(engine, logits, labels);
  const pTrue = math.exp(logTrue);
  const { power, slope } = focalFactors(engine, pTrue, focalGamma);

  const ones = math.ones([1, voxels]);
  const rows = [pTrue, mul(power, logTrue)].map((column) => reshape(column, [1, voxels]));
  const sums = matMul(concat([...rows, ones], 0), t);
  const [overlap, focalSums, counts] = math.split(sums, 3, 0).map((row) => reshape(row, [classes, 1]));
  const denominator = add(add(reshape(matMul(ones, p), [classes, 1]), counts!), SMOOTH);
  const numerator = add(mul(overlap!, 2), SMOOTH);
  const dice = sub(1, div(numerator, denominator));
  const focalWeights = mul(weights, focalWeight / voxels);
  const value = sub(sum(mul(weights, dice)), sum(mul(focalWeights, focalSums!)));

  const a = div(mul(weights, -2), denominator);
  const b = div(mul(weights, numerator), square(denominator));
  const focalSlope = sub(mul(mul(slope, pTrue), logTrue), power);
  const h = add(mul(pTrue, matMul(t, a)), mul(matMul(t, focalWeights), focalSlope));
  t.dispose();
  const softened = soften(engine, p, h, b);
  return { value, gradient: pull(engine, softened, labels, h) };
};

/*
 * The gradient, h·t − p·(u − B) with u = Σ p·B + h. Arrays of the size of the logits are let go of as soon as they were read,
 * and the one-hot labels are made twice, so that no more than three live at a time: at full resolution they are the largest of
 * all.
 */

/** p·(u − B); takes p over. */
const soften = ({ math }: Engine, p: Tensor, h: Tensor, b: Tensor): Tensor => {
  const u = math.add(math.matMul(p, b), h);
  const slope = math.sub(u, math.reshape(b, [1, b.size]));
  const softened = math.mul(p, slope);
  [p, slope].forEach((array) => array.dispose());
  return softened;
};

/** h·t − softened; takes `softened` over. */
const pull = ({ math }: Engine, softened: Tensor, labels: Tensor, h: Tensor): Tensor => {
  const t = math.oneHot(labels, softened.shape[1]!, 1, 0, 'float32');
  const pulled = math.mul(t, h);
  t.dispose();
  const gradient = math.sub(pulled, softened);
  [pulled, softened].forEach((array) => array.dispose());
  return gradient;
};

/** (1 − p)^γ and γ·(1 − p)^(γ−1), (voxels, 1). */
const focalFactors = ({ math }: Engine, pTrue: Tensor, gamma: number): { power: Tensor; slope: Tensor } => {
  const rest = math.maximum(math.sub(1, pTrue), SMALLEST_REST);
  if (gamma === 2) return { power: math.square(rest), slope: math.mul(rest, 2) };
  return { power: math.pow(rest, gamma), slope: math.mul(math.pow(rest, gamma - 1), gamma) };
};
