import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';

/** One tensor (1, …) for each sample of (batch, …): a handle where there is one sample, copies where there are more. */
export function splitSamples(engine: Engine, x: Tensor): Tensor[] {
  const batch = x.shape[0];
  return batch === 1 ? [engine.share(x)] : engine.math.split(x, batch, 0);
}

/** The opposite of `splitSamples`: (1, …) each → (batch, …). */
export function joinSamples(engine: Engine, samples: readonly Tensor[]): Tensor {
  return samples.length === 1 ? engine.share(samples[0]!) : engine.math.concat([...samples], 0);
}
