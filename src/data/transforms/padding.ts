import { shiftOrigin } from '../affine.ts';
import { marginBefore, placeVolume } from '../pad.ts';
import type { Volume, VoxelArray } from '../volume.ts';
import { moved, type DeterministicTransform, type SpecOf, type Subject } from './transform.ts';

type Size = Volume['size'];
type PadMode = SpecOf<'SpatialPad'>['mode'];

/** Pads up to a size, the smaller half before or all of it behind (MONAI's SpatialPad). Longer axes stay as they are. */
export const spatialPad = ({ spatial_size: asked, method, mode }: SpecOf<'SpatialPad'>): DeterministicTransform => ({
  kind: 'deterministic',
  apply: (subject) => {
    const target = eachAxis((axis) => Math.max(subject.image.size[axis], asked[axis]!));
    const before = eachAxis((axis) => (method === 'end' ? 0 : marginBefore(subject.image.size[axis], target[axis])));
    return padded(subject, target, before, mode);
  },
});

/** Pads each axis symmetrically to a multiple of `k`; 0 and below leave it as it is (MONAI's DivisiblePad). */
export const divisiblePad = ({ k, mode }: SpecOf<'DivisiblePad'>): DeterministicTransform => ({
  kind: 'deterministic',
  apply: (subject) => {
    const { size } = subject.image;
    const target = eachAxis((axis) => {
      const multiple = typeof k === 'number' ? k : k[axis]!;
      return multiple > 0 ? Math.ceil(size[axis] / multiple) * multiple : size[axis];
    });
    return padded(
      subject,
      target,
      eachAxis((axis) => marginBefore(size[axis], target[axis])),
      mode,
    );
  },
});

const eachAxis = (of: (axis: 0 | 1 | 2) => number): Size => [of(0), of(1), of(2)];

function padded(subject: Subject, target: Size, before: Size, mode: PadMode): Subject {
  if (target.every((length, axis) => length === subject.image.size[axis])) return subject;
  return moved(subject, (volume) =>
    mode === 'constant' ? placeVolume(volume, target, before) : repeated(volume, target, before, mode),
  );
}

/** A larger volume whose margins repeat the image. */
function repeated<T extends VoxelArray>(
  { size, channels, values, affine }: Volume<T>,
  target: Size,
  before: Size,
  mode: Exclude<PadMode, 'constant'>,
): Volume<T> {
  const [nx, ny, nz] = target;
  const [xs, ys, zs] = [0, 1, 2].map((axis) =>
    Int32Array.from({ length: target[axis]! }, (_, p) => repeatedIndex(p - before[axis]!, size[axis]!, mode)),
  ) as [Int32Array, Int32Array, Int32Array];
  const out = new (values.constructor as new (length: number) => T)(nx * ny * nz * channels);
  let at = 0;
  for (let c = 0; c < channels; c++)
    for (let z = 0; z < nz; z++)
      for (let y = 0; y < ny; y++) {
        const row = size[0] * (ys[y]! + size[1] * (zs[z]! + size[2] * c));
        for (let x = 0; x < nx; x++) out[at++] = values[row + xs[x]!]!;
      }
  return {
    size: target,
    channels,
    values: out,
    affine: shiftOrigin(
      affine,
      eachAxis((axis) => -before[axis]),
    ),
  };
}

/**
 * The voxel of an axis that stands for one outside it, as numpy.pad has it, for 0 1 2:
 * edge … 0 0 |0 1 2| 2 2 …, reflect … 2 1 |0 1 2| 1 0 …, symmetric … 1 0 |0 1 2| 2 1 …, wrap … 1 2 |0 1 2| 0 1 …
 */
function repeatedIndex(p: number, length: number, mode: Exclude<PadMode, 'constant'>): number {
  const modulo = (period: number): number => ((p % period) + period) % period;
  switch (mode) {
    case 'edge':
    case 'replicate':
      return Math.min(Math.max(p, 0), length - 1);
    case 'wrap':
    case 'circular':
      return modulo(length);
    case 'symmetric': {
      const rest = modulo(2 * length);
      return rest < length ? rest : 2 * length - 1 - rest;
    }
    case 'reflect': {
      const rest = length === 1 ? 0 : modulo(2 * length - 2);
      return rest < length ? rest : 2 * length - 2 - rest;
    }
  }
}
