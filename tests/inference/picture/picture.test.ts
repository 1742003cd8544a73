import { PNG } from 'pngjs';
import { expect, test } from 'vitest';
import type { Affine } from '../../../src/data/volume.ts';
import { classColour } from '../../../src/inference/picture/palette.ts';
import { drawPicture } from '../../../src/inference/picture/picture.ts';
import { chooseViews, fullestSlice } from '../../../src/inference/picture/slices.ts';
import { floatVolume, identityAffine, labelVolume } from '../../support/volumes.ts';

const SIZE = [20, 24, 16] as const;
const image = floatVolume(SIZE, (x, y) => 1 + x + y);
const left = labelVolume(SIZE, (x, y, z) => (x >= 2 && x < 7 && y >= 8 && y < 14 && z >= 6 && z < 10 ? 1 : 0));
const classes = ['background', 'thalamus_left'];

const decode = (png: Buffer): PNG => PNG.sync.read(png);
/** Pixels of a class's own colour, as outlines and the legend have them. */
function pixelsOf(png: PNG, index: number): { x: number; y: number }[] {
  const colour = classColour(index);
  const found: { x: number; y: number }[] = [];
  for (let y = 0; y < png.height; y++)
    for (let x = 0; x < png.width; x++) {
      const at = 4 * (x + png.width * y);
      if (colour.every((value, channel) => png.data[at + channel] === value)) found.push({ x, y });
    }
  return found;
}

test('a picture is a PNG with one column a label map and a legend', () => {
  const one = decode(drawPicture({ image, columns: [{ title: 'truth', labels: left }], classes }));
  const columns = [
    { title: 'truth', labels: left },
    { title: 'prediction', labels: left },
  ];
  const two = decode(drawPicture({ image, columns, classes, notes: ['', '0.91'], caption: 'one subject' }));
  expect(two.width).toBeGreaterThan(one.width);
  expect(two.height).toBe(one.height);
  const outline = pixelsOf(one, 1).length;
  expect(outline).toBeGreaterThan(200);
  expect(pixelsOf(two, 1).length).toBeGreaterThan(1.5 * outline - 200);
});

test('the same input gives the same bytes', () => {
  const draw = (): Buffer => drawPicture({ image, columns: [{ title: 'truth', labels: left }], classes });
  expect(draw().equals(draw())).toBe(true);
});

test("the subject's left is on the left, however the voxels lie", () => {
  const mirrored: Affine = [
    [-1, 0, 0, 19],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
  ];
  const turned = {
    image: floatVolume(SIZE, (x, y) => 1 + (19 - x) + y, { affine: mirrored }),
    labels: labelVolume(SIZE, (x, y, z) => left.values[19 - x + 20 * (y + 24 * z)]!, mirrored),
  };
  const plain = drawPicture({ image, columns: [{ title: 'truth', labels: left }], classes });
  const again = drawPicture({ image: turned.image, columns: [{ title: 'truth', labels: turned.labels }], classes });
  // Pixels on the border of two voxels may fall to either.
  const [one, other] = [decode(plain).data, decode(again).data];
  expect(one.filter((value, i) => Math.abs(value - other[i]!) > 1).length / one.length).toBeLessThan(0.02);
  const axial = pixelsOf(decode(plain), 1).filter(({ x, y }) => y < 360 && x < 290);
  expect(Math.max(...axial.map(({ x }) => x))).toBeLessThan(150);
});

test('slices are in true proportions', () => {
  const flat = labelVolume([10, 10, 5], () => 1, identityAffine([1, 1, 4]));
  const [, coronal] = chooseViews(flat);
  expect(coronal).toMatchObject({ horizontal: { length: 10, spacing: 1 }, vertical: { length: 5, spacing: 4 } });
});

test('the slice is chosen that shows most structures, not most voxels', () => {
  const labels = labelVolume([9, 9, 9], (x, y, z) => (z === 2 && x < 2 && y < 2 ? 1 + x + 2 * y : z > 5 ? 5 : 0));
  expect(fullestSlice(labels, 2)).toBe(2);
  expect(
    fullestSlice(
      labelVolume([9, 9, 9], () => 0),
      1,
    ),
  ).toBe(4);
});

test('more classes than chosen colours have colours of their own', () => {
  const colours = Array.from({ length: 60 }, (_, i) => classColour(i + 1).join());
  expect(new Set(colours).size).toBe(60);
});

test('maps on another grid are refused', () => {
  const other = labelVolume([5, 5, 5], () => 1);
  expect(() => drawPicture({ image, columns: [{ title: 'truth', labels: other }], classes })).toThrow(
    'truth is 5 × 5 × 5',
  );
  expect(() => drawPicture({ image, columns: [], classes })).toThrow('at least one');
});
