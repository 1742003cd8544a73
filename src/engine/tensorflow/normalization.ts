import type { Engine } from '../engine.ts';
import type { Attribute, Runtime } from './runtime.ts';

type Kernels = Pick<Engine, 'batchNorm' | 'batchNormGradient' | 'batchNormInference'>;

/** Batch normalization: y = scale·(x − μ)/√(σ² + ε) + offset, fused with its statistics and with its gradient. */
export function normalizationKernels(r: Runtime): Kernels {
  const common = (rank: number, epsilon: number, training: boolean): Attribute[] => [
    r.float,
    r.type('U', 'TF_FLOAT'),
    r.real('epsilon', epsilon),
    r.bool('is_training', training),
    r.text('data_format', rank === 5 ? 'NDHWC' : 'NHWC'),
  ];
  return {
    batchNorm(x, scale, offset, epsilon) {
      const [output, mean, unbiased, ...saved] = r.runMany(
        'FusedBatchNormV3',
        [...common(x.rank, epsilon, true), r.real('exponential_avg_factor', 1)],
        [x, scale, offset, r.empty(), r.empty()],
        6,
      );
      // TensorFlow reports Σ(x − μ)² / (n − 1); what it normalizes with has n.
      const n = x.size / mean!.size;
      const variance = r.tf.mul(unbiased!, r.scalar(Math.max(n - 1, 1) / n));
      unbiased!.dispose();
      return { output: output!, mean: mean!, variance, saved };
    },

    batchNormGradient(x, dy, scale, saved, epsilon) {
      const [input, dScale, dOffset, ...unused] = r.runMany(
        'FusedBatchNormGradV3',
        common(x.rank, epsilon, true),
        [dy, x, scale, ...saved],
        5,
      );
      for (const tensor of unused) tensor.dispose();
      return { input: input!, scale: dScale!, offset: dOffset! };
    },

    batchNormInference(x, scale, offset, mean, variance, epsilon) {
      const [output, ...unused] = r.runMany(
        'FusedBatchNormV3',
        common(x.rank, epsilon, false),
        [x, scale, offset, mean, variance],
        6,
      );
      for (const tensor of unused) tensor.dispose();
      return output!;
    },
  };
}
