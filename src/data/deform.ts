import { RandomStream } from '../random/stream.ts';
import { spacingOf } from './affine.ts';
import type { Case } from './dataset.ts';
import { drawWarp, type DeformationLimits } from './geometry.ts';
import { voxelsByClass } from './labels.ts';
import { warp } from './warp.ts';

/**
 * A case deformed whole, on its own grid: a subject that the network has not seen, made of one that it has. Drawn under the
 * name `validation`, which no training sample has, and from the place of the case among the validation cases.
 */
export function deformCase(source: Case, limits: DeformationLimits, key: { seed: number; number: number }): Case {
  const streams = (purpose: string): RandomStream => new RandomStream(key.seed, 'validation', key.number, purpose);
  const { image, labels } = source;
  const box = drawWarp(streams, { start: [0, 0, 0], size: image.size }, spacingOf(image.affine), limits);
  const { image: values, labels: classes } = warp(image, labels, box);
  return {
    ...source,
    image: { ...image, values },
    labels: { ...labels, values: classes },
    voxels: voxelsByClass(classes, source.voxels.length),
  };
}
