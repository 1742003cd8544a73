import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';

/** The softmax, and what of it belongs to the true class of each voxel. */
export interface TrueClass {
  /** (voxels, classes): softmax over the classes. */
  readonly p: Tensor;
  /** (voxels, classes): one-hot labels. */
  readonly t: Tensor;
  /** (voxels, 1): logarithm of the true class's probability. */
  readonly logTrue: Tensor;
}

/**
 * log p_y = z_y − log Σ exp z with z = logits − max: exact also where p_y is too small for float32. The arrays as large as the
 * logits are let go of as soon as they were read, so that no more than three live at a time beside the logits.
 */
export const trueClass = (engine: Engine, logits: Tensor, labels: Tensor): TrueClass => {
  const { math } = engine;
  const classes = logits.shape[1]!;
  return engine.tidy(() => {
    // A sum over the classes is a product with ones: along a short last axis TensorFlow's own sum takes twice as long.
    const ones = math.ones([classes, 1]);
    const z = math.sub(logits, largestLogit(engine, logits));
    const t = math.oneHot(labels, classes, 1, 0, 'float32');
    const atTrue = math.mul(z, t);
    const zTrue = math.matMul(atTrue, ones);
    atTrue.dispose();
    const e = math.exp(z);
    z.dispose();
    const total = math.matMul(e, ones);
    const p = math.mul(e, math.div(1, total));
    e.dispose();
    return { p, t, logTrue: math.sub(zTrue, math.log(total)) };
  });
};

/** (voxels, 1). Along the first axis TensorFlow finds the largest several times faster than along a short last one. */
const largestLogit = (engine: Engine, logits: Tensor): Tensor => {
  const { math } = engine;
  return engine.tidy(() => math.reshape(math.max(math.transpose(logits, [1, 0]), 0), [logits.shape[0], 1]));
};
