import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';

/** Mean and spread of each channel over `count` values. */
export interface Statistics {
  readonly count: number;
  /** (channels). */
  readonly mean: Tensor;
  /** (channels): Σ (x − mean)². */
  readonly squares: Tensor;
}

/**
 * The statistics of two sets together, without the cancellation of Σx² − (Σx)²/n (Chan, Golub and LeVeque 1979):
 * with δ = mean_b − mean_a, mean = mean_a + δ·n_b/n and squares = squares_a + squares_b + δ²·n_a·n_b/n.
 * Arguments stay the caller's, as does the result.
 */
export function mergeStatistics(engine: Engine, a: Statistics, b: Statistics): Statistics {
  const { add, addN, mul, square, sub } = engine.math;
  const count = a.count + b.count;
  return engine.tidy(() => {
    const delta = sub(b.mean, a.mean);
    return {
      count,
      mean: add(a.mean, mul(delta, b.count / count)),
      squares: addN([a.squares, b.squares, mul(square(delta), (a.count * b.count) / count)]),
    };
  });
}
