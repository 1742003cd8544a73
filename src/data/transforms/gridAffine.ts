import type { RandomStream } from '../../random/stream.ts';
import { compose } from '../affine.ts';
import type { Affine } from '../volume.ts';
import type { SpecOf } from './transform.ts';

/** What a random affine does to a grid, in voxels about its middle. Angles in radians; absent: nothing. */
export interface AffineDraw {
  readonly rotate?: readonly number[] | undefined;
  readonly shear?: readonly number[] | undefined;
  readonly translate?: readonly number[] | undefined;
  readonly scale?: readonly number[] | undefined;
}

export type AffineRanges = Pick<
  SpecOf<'RandAffine'>,
  'rotate_range' | 'shear_range' | 'translate_range' | 'scale_range'
>;

/** Each entry of a range gives a draw from [−entry, entry), scales about 1. */
export function drawAffine(stream: RandomStream, ranges: AffineRanges): AffineDraw {
  const draws = (range: number | readonly number[] | undefined, about = 0): readonly number[] | undefined =>
    range === undefined ? undefined : [range].flat().map((entry) => about + stream.uniform(-entry, entry));
  return {
    rotate: draws(ranges.rotate_range),
    shear: draws(ranges.shear_range),
    translate: draws(ranges.translate_range),
    scale: draws(ranges.scale_range, 1),
  };
}

/**
 * R · H · T · S: rotation, shear, shift and scale, multiplied as MONAI does. A grid of one slice has MONAI's meanings in two
 * dimensions: one angle, two shears, two shifts and two scales, in its plane.
 */
export function gridAffine({ rotate = [], shear = [], translate = [], scale = [] }: AffineDraw, flat: boolean): Affine {
  const [a = 0, b = 0, c = 0] = rotate;
  const rotation = flat ? aboutZ(a) : compose(compose(aboutX(a), aboutY(b)), aboutZ(c));
  const [hxy = 0, second = 0, third = 0, hyz = 0, hzx = 0, hzy = 0] = shear;
  const [hxz, hyx] = flat ? [0, second] : [second, third];
  const inSpace = flat ? 0 : 1;
  const [tx = 0, ty = 0, tz = 0] = translate;
  const [sx = 1, sy = 1, sz = 1] = scale;
  const sheared: Affine = [
    [1, hxy, hxz, 0],
    [hyx, 1, inSpace * hyz, 0],
    [inSpace * hzx, inSpace * hzy, 1, 0],
    [0, 0, 0, 1],
  ];
  const shiftedAndScaled: Affine = [
    [sx, 0, 0, tx],
    [0, sy, 0, ty],
    [0, 0, flat ? 1 : sz, inSpace * tz],
    [0, 0, 0, 1],
  ];
  return compose(compose(rotation, sheared), shiftedAndScaled);
}

function aboutX(angle: number): Affine {
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
  return [
    [1, 0, 0, 0],
    [0, cos, -sin, 0],
    [0, sin, cos, 0],
    [0, 0, 0, 1],
  ];
}

function aboutY(angle: number): Affine {
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
  return [
    [cos, 0, sin, 0],
    [0, 1, 0, 0],
    [-sin, 0, cos, 0],
    [0, 0, 0, 1],
  ];
}

function aboutZ(angle: number): Affine {
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
  return [
    [cos, -sin, 0, 0],
    [sin, cos, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
  ];
}
