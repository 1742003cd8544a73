import type * as tf from '@tensorflow/tfjs';
import type { Engine } from '../engine.ts';
import type { Tensor } from '../tensor.ts';

type Kernels = Pick<Engine, 'batchNorm' | 'batchNormGradient' | 'batchNormInference'>;

/** Batch normalization: y = scale·x̂ + offset with x̂ = (x − μ)/√(σ² + ε). */
export function normalizationKernels(tfjs: typeof tf): Kernels {
  const axes = (x: Tensor) => [...x.shape.keys()].slice(0, -1);
  const normalize = (x: Tensor, mean: Tensor, variance: Tensor, epsilon: number) =>
    tfjs.mul(tfjs.sub(x, mean), tfjs.rsqrt(tfjs.add(variance, epsilon)));

  return {
    batchNorm: (x, scale, offset, epsilon) =>
      tfjs.tidy(() => {
        const mean = tfjs.mean(x, axes(x));
        const variance = tfjs.mean(tfjs.square(tfjs.sub(x, mean)), axes(x));
        const output = tfjs.add(tfjs.mul(normalize(x, mean, variance, epsilon), scale), offset);
        return { output, mean, variance, saved: [tfjs.clone(mean), tfjs.clone(variance)] };
      }),

    /**
     * dOffset = Σ dy,  dScale = Σ dy·x̂,
     * dx = scale/√(σ² + ε) · (dy − (dOffset + x̂·dScale)/n).
     */
    batchNormGradient: (x, dy, scale, saved, epsilon) =>
      tfjs.tidy(() => {
        const [mean, variance] = saved as [Tensor, Tensor];
        const normal = normalize(x, mean, variance, epsilon);
        const dOffset = tfjs.sum(dy, axes(dy));
        const dScale = tfjs.sum(tfjs.mul(dy, normal), axes(dy));
        const shared = tfjs.div(tfjs.add(dOffset, tfjs.mul(normal, dScale)), x.size / dOffset.size);
        const slope = tfjs.mul(scale, tfjs.rsqrt(tfjs.add(variance, epsilon)));
        return { input: tfjs.mul(tfjs.sub(dy, shared), slope), scale: dScale, offset: dOffset };
      }),

    batchNormInference: (x, scale, offset, mean, variance, epsilon) =>
      tfjs.tidy(() => tfjs.add(tfjs.mul(normalize(x, mean, variance, epsilon), scale), offset)),
  };
}
