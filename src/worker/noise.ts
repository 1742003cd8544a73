import type { Engine } from '../engine/engine.ts';
import { sizeOf, type Tensor } from '../engine/tensor.ts';
import { RandomStream } from '../random/stream.ts';

export interface Noise {
  /** Standard deviation. */
  readonly deviation: number;
  /** Whether the teacher looks: it sees noise of its own. */
  readonly teacher: boolean;
}

/** Adds normal noise to images (batch, …), each sample's drawn by its name. Takes the images over. */
export function withNoise(engine: Engine, images: Tensor, draws: readonly string[], noise: Noise): Tensor {
  const values = new Float32Array(sizeOf(images.shape));
  const width = values.length / images.shape[0];
  for (const [sample, draw] of draws.entries())
    new RandomStream(draw, 'ensembling', noise.teacher ? 'teacher' : 'student').fillNormal(
      values.subarray(sample * width, (sample + 1) * width),
      noise.deviation,
    );
  const drawn = engine.tensor(values, images.shape);
  const noisy = engine.math.add(images, drawn);
  [images, drawn].forEach((tensor) => tensor.dispose());
  return noisy;
}
