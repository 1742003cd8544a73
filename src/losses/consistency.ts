import type { Engine } from '../engine/engine.ts';
import { sizeOf, type Tensor } from '../engine/tensor.ts';
import { activate, activationGradient } from './activation.ts';
import type { Loss, LossResult, LossTarget } from './loss.ts';

export interface ConsistencyOptions {
  /** Weight of the term beside the loss of the labels. */
  readonly weight: number;
  /** The share of it that counts in samples in which the teacher is no better than the student. */
  readonly otherwise: number;
}

/**
 * Holds a student to its teacher (Wang et al., COPLE-Net, IEEE TMI 2020): the mean over the samples of the mini-batch of
 *
 *     a · mean over voxels and classes of (p − q)²        p, q: softmax of the student's and of the teacher's logits
 *
 * where a is `weight` in samples in which `loss` finds the teacher better, and `otherwise · weight` in the others. Adds up over
 * micro-batches as losses do; the gradient is with respect to the student's logits. Arguments stay the caller's.
 */
export function consistency(
  engine: Engine,
  loss: Loss,
  logits: { readonly student: Tensor; readonly teacher: Tensor },
  target: LossTarget,
  options: ConsistencyOptions,
): LossResult {
  const { math } = engine;
  const { student, teacher } = logits;
  const [batch, ...rest] = student.shape as [number, ...number[]];
  const share = 1 / (target.batchSize * sizeOf(rest));
  const samples = Array.from({ length: batch }, (_, sample) => {
    const own = sampleOf(engine, target, sample);
    const [ours, theirs] = [student, teacher].map((tensor) => row(engine, tensor, sample)) as [Tensor, Tensor];
    const better = lossOf(engine, loss, theirs, own) <= lossOf(engine, loss, ours, own);
    const weight = options.weight * share * (better ? 1 : options.otherwise);
    const { sum, gradient } = engine.tidy(() => {
      const p = activate(engine, ours, 'softmax');
      const apart = math.sub(p, activate(engine, theirs, 'softmax'));
      return {
        sum: math.sum(math.square(apart)),
        gradient: activationGradient(engine, p, math.mul(apart, 2 * weight), 'softmax'),
      };
    });
    const value = weight * engine.read(sum)[0]!;
    [sum, ours, theirs, own.labels, own.flags].forEach((tensor) => tensor?.dispose());
    return { value, gradient };
  });
  const gradients = samples.map(({ gradient }) => gradient);
  const gradient = batch === 1 ? engine.share(gradients[0]!) : math.concat(gradients, 0);
  gradients.forEach((tensor) => tensor.dispose());
  return { value: samples.reduce((sum, { value }) => sum + value, 0), gradient };
}

const lossOf = (engine: Engine, loss: Loss, logits: Tensor, target: LossTarget): number => {
  const { value, gradient } = loss.evaluate(engine, logits, target);
  gradient.dispose();
  return value;
};

/** One sample (1, …) of (batch, …). */
const row = ({ math }: Engine, tensor: Tensor, sample: number): Tensor => {
  const [, ...rest] = tensor.shape as [number, ...number[]];
  return math.slice(tensor, [sample, ...rest.map(() => 0)], [1, ...rest]);
};

const sampleOf = (engine: Engine, target: LossTarget, sample: number): LossTarget => ({
  ...target,
  labels: row(engine, target.labels, sample),
  ...(target.flags ? { flags: row(engine, target.flags, sample) } : {}),
});
