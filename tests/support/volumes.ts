import type { Case } from '../../src/data/dataset.ts';
import { voxelsByClass } from '../../src/data/labels.ts';
import type { Affine, Volume } from '../../src/data/volume.ts';

export const identityAffine = (spacing: readonly [number, number, number] = [1, 1, 1]): Affine => [
  [spacing[0], 0, 0, 0],
  [0, spacing[1], 0, 0],
  [0, 0, spacing[2], 0],
  [0, 0, 0, 1],
];

type Size = readonly [number, number, number];

/** A volume whose values come from the place of each voxel. */
export function floatVolume(
  size: Size,
  value: (x: number, y: number, z: number, channel: number) => number,
  { channels = 1, affine = identityAffine() }: { channels?: number; affine?: Affine } = {},
): Volume<Float32Array> {
  const [nx, ny, nz] = size;
  const values = new Float32Array(nx * ny * nz * channels);
  let at = 0;
  for (let c = 0; c < channels; c++)
    for (let z = 0; z < nz; z++)
      for (let y = 0; y < ny; y++) for (let x = 0; x < nx; x++) values[at++] = value(x, y, z, c);
  return { size, channels, values, affine };
}

export function labelVolume(
  size: Size,
  value: (x: number, y: number, z: number) => number,
  affine: Affine = identityAffine(),
): Volume<Uint8Array> {
  const { values, ...rest } = floatVolume(size, value, { affine });
  return { ...rest, values: Uint8Array.from(values) };
}

/** A case as the loader would give it. */
export function caseOf(image: Volume<Float32Array>, labels: Volume<Uint8Array>, classes: number): Case {
  const zero = [0, 0, 0] as const;
  const orientation = {
    qfac: 1,
    spacing: [1, 1, 1],
    qform: { code: 0, quaternion: zero, offset: zero },
    sform: { code: 1, rows: image.affine.slice(0, 3) },
    units: 2,
  } as const;
  const source = { file: 'case.nii', version: 1, type: 'float32', orientation } as const;
  const grid = { size: image.size, affine: image.affine };
  const annotated = Array.from({ length: classes }, () => true);
  return { name: 'case', image, labels, voxels: voxelsByClass(labels.values, classes), annotated, source, grid };
}
