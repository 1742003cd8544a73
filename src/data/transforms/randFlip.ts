import { takeLattice } from '../lattice.ts';
import { moved, type RandomTransform, type SpecOf } from './transform.ts';

/** Mirrors image and labels along some axes (MONAI's RandFlip; all of them where none is named). The grid stays where it is. */
export const randFlip = ({ prob, spatial_axis: asked }: SpecOf<'RandFlip'>): RandomTransform => ({
  kind: 'random',
  apply: (subject, streams) => {
    if (!(streams('prob').next() < prob)) return subject;
    const mirrored = asked === undefined ? [0, 1, 2] : [asked].flat();
    const { size } = subject.image;
    const start = (axis: 0 | 1 | 2): number => (mirrored.includes(axis) ? size[axis] - 1 : 0);
    const sign = (axis: 0 | 1 | 2): number => (mirrored.includes(axis) ? -1 : 1);
    const lattice = {
      axes: [0, 1, 2],
      signs: [sign(0), sign(1), sign(2)],
      start: [start(0), start(1), start(2)],
    } as const;
    return moved(subject, (volume) => takeLattice(volume, lattice, volume, 0));
  },
});
