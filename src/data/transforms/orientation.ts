import { closestAxes, compose } from '../affine.ts';
import { takeLattice, type Lattice } from '../lattice.ts';
import type { Affine, Volume } from '../volume.ts';
import { moved, type DeterministicTransform, type SpecOf } from './transform.ts';

type Axis = 0 | 1 | 2;

/** The axis of space that a letter names, and whether it names its beginning (L, P, I) or its end (R, A, S). */
const direction = (letter: string): { axis: Axis; backward: boolean } => {
  const backward = 'LPI'.includes(letter);
  return { axis: (backward ? 'LPI' : 'RAS').indexOf(letter) as Axis, backward };
};

/**
 * Turns and flips voxel axes so that they run towards `axcodes` as closely as whole axes can: `RAS` has x to the right, y to
 * the front and z up (MONAI's Orientation). No value changes, and the affine follows.
 */
export const orientation = ({ axcodes }: SpecOf<'Orientation'>): DeterministicTransform => ({
  kind: 'deterministic',
  apply: (subject) => {
    const lattice = latticeTowards(axcodes, subject.image);
    const size = sizeOf(lattice, subject.image.size);
    const affine = compose(subject.image.affine, stepOf(lattice));
    return moved(subject, (volume) => takeLattice(volume, lattice, { size, affine }, 0));
  },
});

function latticeTowards(axcodes: string, { size, affine }: Volume): Lattice {
  const closest = closestAxes(affine);
  const column = (d: Axis): { axis: Axis; flipped: boolean } => {
    const { axis: towards, backward } = direction(axcodes[d]!);
    const { axis, flipped } = closest[towards];
    return { axis, flipped: flipped !== backward };
  };
  const columns = [column(0), column(1), column(2)] as const;
  const start = [0, 0, 0] as [number, number, number];
  for (const { axis, flipped } of columns) if (flipped) start[axis] = size[axis] - 1;
  const sign = (d: Axis): number => (columns[d].flipped ? -1 : 1);
  return { axes: [columns[0].axis, columns[1].axis, columns[2].axis], signs: [sign(0), sign(1), sign(2)], start };
}

const sizeOf = ({ axes }: Lattice, size: Volume['size']): Volume['size'] => [
  size[axes[0]],
  size[axes[1]],
  size[axes[2]],
];

/** From voxels of the new grid to voxels of the old one. */
function stepOf({ axes, signs, start }: Lattice): Affine {
  const row = (axis: Axis): Affine[0] => {
    const entry = (d: Axis): number => (axes[d] === axis ? signs[d] : 0);
    return [entry(0), entry(1), entry(2), start[axis]];
  };
  return [row(0), row(1), row(2), [0, 0, 0, 1]];
}
