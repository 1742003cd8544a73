import type { Engine } from '../engine/engine.ts';
import { sizeOf, type Tensor } from '../engine/tensor.ts';
import type { Loss, LossResult, LossTarget } from './loss.ts';
import { evaluatePerSample } from './perSample.ts';
import { trueClass } from './trueClass.ts';

/**
 * Softmax cross-entropy by voxel, −w_y·log p_y, as torch.nn.CrossEntropyLoss with reduction `mean`: without class weights the
 * mean over the voxels of the mini-batch, with them the sum divided by the sum of w_y over the voxels of the whole mini-batch.
 *
 * That sum is not to be seen from one micro-batch: `weightTotal` of the target gives it (`labelWeightTotal` reckons it). Where
 * it is not given every sample counts alike, as the mean over samples of each sample's weighted mean; for a mini-batch of one
 * sample that is the same, and in no case does the result depend on how the mini-batch is cut.
 *
 * A voxel whose class is not annotated in its sample adds nothing, w_y·flag_y in place of w_y: where a structure has no mask the
 * background is flagged 0, too, and its voxels, which may be that structure's, do not teach. What the loss is divided by stays, as
 * in LAMP's loss, so that a case with few annotations weighs less and not more.
 */
export class CrossEntropyLoss implements Loss {
  readonly #classWeights: readonly number[] | undefined;

  constructor(classWeights?: readonly number[]) {
    this.#classWeights = classWeights;
  }

  evaluate(engine: Engine, logits: Tensor, target: LossTarget): LossResult {
    const { math } = engine;
    const { batchSize, weightTotal } = target;
    const classes = logits.shape.at(-1)!;
    const voxels = sizeOf(logits.shape.slice(1, -1));
    return engine.tidy(() => {
      const weights = this.#classWeights && engine.tensor(Float32Array.from(this.#classWeights), [classes, 1]);
      return evaluatePerSample(engine, logits, target, (sample) => {
        const { p, t, logTrue } = trueClass(engine, sample.logits, sample.labels);
        const annotated = sample.flags && math.matMul(t, sample.flags);
        if (!weights) {
          const each = 1 / (batchSize * voxels);
          const share = annotated ? math.mul(annotated, each) : each;
          const value = math.neg(math.sum(math.mul(logTrue, share)));
          return { value, gradient: math.mul(difference(engine, p, t), share) };
        }
        const weighted = math.matMul(t, weights);
        const total = weightTotal ?? math.mul(math.maximum(math.sum(weighted), 1e-30), batchSize);
        const all = math.div(weighted, total);
        const share = annotated ? math.mul(all, annotated) : all;
        const value = math.neg(math.sum(math.mul(share, logTrue)));
        return { value, gradient: math.mul(difference(engine, p, t), share) };
      });
    });
  }
}

/** Takes both over: at full resolution such arrays are the largest of all. */
const difference = ({ math }: Engine, p: Tensor, t: Tensor): Tensor => {
  const result = math.sub(p, t);
  [p, t].forEach((array) => array.dispose());
  return result;
};

/** Σ w_y over the voxels of a mini-batch: `weightTotal` for the weighted cross-entropy. */
export const labelWeightTotal = (labels: Iterable<number>, classWeights: readonly number[]): number => {
  let total = 0;
  for (const label of labels) total += classWeights[label] ?? 0;
  return total;
};
