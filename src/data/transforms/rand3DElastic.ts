import type { Volume } from '../volume.ts';
import { smoothGaussian } from './gaussian.ts';
import { drawAffine, gridAffine } from './gridAffine.ts';
import { askedSize, paddingOf, warpSubject } from './gridWarp.ts';
import type { RandomTransform, SpecOf, Streams } from './transform.ts';

type Offset = readonly [Float32Array, Float32Array, Float32Array];

/**
 * Bends the grid by smoothed noise and then turns, shears, shifts and scales it (MONAI's Rand3DElastic): every voxel is moved by
 * uniform noise in [−1, 1), smoothed by a Gaussian of σ voxels, times the magnitude.
 */
export const rand3DElastic = ({
  prob,
  sigma_range: sigmas,
  magnitude_range: magnitudes,
  padding_mode: mode,
  spatial_size: asked,
  ...ranges
}: SpecOf<'Rand3DElastic'>): RandomTransform => ({
  kind: 'random',
  apply: (subject, streams) => {
    const size = askedSize(asked, subject.image.size);
    const drawn = streams('prob').next() < prob;
    if (!drawn && size.every((length, axis) => length === subject.image.size[axis])) return subject;
    const offset = drawn ? drawOffset(streams, size, sigmas, magnitudes) : undefined;
    const affine = gridAffine(drawn ? drawAffine(streams('affine'), ranges) : {}, size[2] === 1);
    return warpSubject(subject, { size, affine, offset }, { mode: 'linear', padding: paddingOf(mode) });
  },
});

function drawOffset(
  streams: Streams,
  size: Volume['size'],
  [fromSigma, toSigma]: readonly [number, number],
  [fromMagnitude, toMagnitude]: readonly [number, number],
): Offset {
  const voxels = size[0] * size[1] * size[2];
  const noise = (axis: string): Float32Array => streams(`noise ${axis}`).fillUniform(new Float32Array(voxels), -1, 1);
  const offset = [noise('x'), noise('y'), noise('z')] as const;
  bend(offset, size, {
    sigma: streams('sigma').uniform(fromSigma, toSigma),
    magnitude: streams('magnitude').uniform(fromMagnitude, toMagnitude),
  });
  return offset;
}

/** Noise becomes displacements, in place. */
export function bend(
  noise: Offset,
  size: Volume['size'],
  { sigma, magnitude }: { sigma: number; magnitude: number },
): void {
  for (const field of noise) {
    smoothGaussian(field, size, sigma);
    for (let i = 0; i < field.length; i++) field[i]! *= magnitude;
  }
}
