import type { Engine } from '../engine/engine.ts';
import { sizeOf, type Tensor } from '../engine/tensor.ts';
import type { LossResult, LossTarget } from './loss.ts';

/** One sample with its spatial axes flattened. */
export interface Sample {
  /** (voxels, classes). */
  readonly logits: Tensor;
  /** (voxels). */
  readonly labels: Tensor;
  /** (classes, 1), where flags were given. */
  readonly flags: Tensor | undefined;
}

/** The logits do not fit the labels, the flags or the number of classes. */
export class LossShapeError extends Error {
  override readonly name = 'LossShapeError';
}

/**
 * Evaluates a loss sample by sample, so that the temporaries are those of one sample. `body` returns a scalar and the gradient
 * (voxels, classes); it runs inside `tidy`.
 */
export const evaluatePerSample = (
  engine: Engine,
  logits: Tensor,
  target: LossTarget,
  body: (sample: Sample) => { value: Tensor; gradient: Tensor },
): LossResult => {
  checkShapes(logits, target);
  const { math } = engine;
  const [batch, ...rest] = logits.shape as [number, ...number[]];
  const classes = rest.at(-1)!;
  const voxels = sizeOf(rest) / classes;
  const { values, gradient } = engine.tidy(() => {
    const flat = {
      logits: math.reshape(logits, [batch * voxels, classes]),
      labels: math.reshape(target.labels, [batch * voxels]),
    };
    const results = Array.from({ length: batch }, (_, sample) =>
      engine.tidy(() =>
        body({
          logits: batch === 1 ? flat.logits : math.slice(flat.logits, [sample * voxels, 0], [voxels, classes]),
          labels: batch === 1 ? flat.labels : math.slice(flat.labels, [sample * voxels], [voxels]),
          flags: target.flags && math.reshape(math.slice(target.flags, [sample, 0], [1, classes]), [classes, 1]),
        }),
      ),
    );
    const gradients = results.map((result) => result.gradient);
    return {
      values: math.concat(results.map((result) => math.reshape(result.value, [1]))),
      gradient: math.reshape(batch === 1 ? gradients[0]! : math.concat(gradients, 0), logits.shape),
    };
  });
  let value = 0;
  for (const part of engine.read(values)) value += part;
  values.dispose();
  return { value, gradient };
};

const checkShapes = (logits: Tensor, { labels, flags, batchSize }: LossTarget): void => {
  const [batch, ...rest] = logits.shape as [number, ...number[]];
  const voxels = [batch, ...rest.slice(0, -1)];
  if (labels.shape.join() !== voxels.join())
    throw new LossShapeError(
      `labels of shape (${labels.shape.join(', ')}) for logits of shape (${logits.shape.join(', ')}): expected (${voxels.join(', ')})`,
    );
  const classes = rest.at(-1)!;
  if (flags && flags.shape.join() !== [batch, classes].join())
    throw new LossShapeError(
      `flags of shape (${flags.shape.join(', ')}): expected (${batch}, ${classes}), one for each sample and class`,
    );
  if (batchSize < batch)
    throw new LossShapeError(`a mini-batch of ${batchSize} samples cannot have a micro-batch of ${batch}`);
};
