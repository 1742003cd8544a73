import { drawAffine, gridAffine } from './gridAffine.ts';
import { askedSize, paddingOf, warpSubject } from './gridWarp.ts';
import type { RandomTransform, SpecOf } from './transform.ts';

/** Turns, shears, shifts and scales the voxel grid about its middle (MONAI's RandAffine): in voxels, whatever their shape. */
export const randAffine = ({
  prob,
  padding_mode: mode,
  spatial_size: asked,
  ...ranges
}: SpecOf<'RandAffine'>): RandomTransform => ({
  kind: 'random',
  apply: (subject, streams) => {
    const size = askedSize(asked, subject.image.size);
    const drawn = streams('prob').next() < prob;
    if (!drawn && size.every((length, axis) => length === subject.image.size[axis])) return subject;
    const affine = gridAffine(drawn ? drawAffine(streams('affine'), ranges) : {}, size[2] === 1);
    return warpSubject(subject, { size, affine }, { mode: 'linear', padding: paddingOf(mode) });
  },
});
