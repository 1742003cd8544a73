import type { Volume } from '../../data/volume.ts';
import type { Canvas, Colour } from './canvas.ts';
import { classColour } from './palette.ts';
import type { View, ViewAxis } from './slices.ts';

/** Grey values: black and white. */
export type GreyWindow = readonly [black: number, white: number];

/** Share of colour inside a structure; its outline is drawn full. */
const TINT = 0.45;

/** From the 1st to the 99.5th percentile of the non-zero voxels, of a sample of them; zeros are black. */
export function greyWindow({ values, size }: Volume): GreyWindow {
  const voxels = size[0] * size[1] * size[2];
  const step = Math.max(1, Math.floor(voxels / 100_000));
  const sample: number[] = [];
  for (let i = 0; i < voxels; i += step) if (values[i] !== 0 && Number.isFinite(values[i])) sample.push(values[i]!);
  sample.sort((a, b) => a - b);
  const at = (share: number): number => sample[Math.floor(share * (sample.length - 1))] ?? 0;
  const [black, white] = [at(0.01), at(0.995)];
  return white > black ? [black, white] : [black, black + 1];
}

/** One slice on a canvas, in pixels of equal size along both axes. */
export class Panel {
  readonly width: number;
  readonly height: number;
  readonly view: View;

  constructor(view: View, pixelsPerMillimetre: number) {
    this.view = view;
    const pixels = ({ length, spacing }: ViewAxis): number =>
      Math.max(1, Math.round(length * spacing * pixelsPerMillimetre));
    this.width = pixels(view.horizontal);
    this.height = pixels(view.vertical);
  }

  draw(
    canvas: Canvas,
    left: number,
    top: number,
    { image, labels, window }: { image: Volume; labels: Volume<Uint8Array>; window: GreyWindow },
  ): void {
    const classes = this.#classes(labels);
    for (let y = 0; y < this.height; y++)
      for (let x = 0; x < this.width; x++) {
        const grey = this.#grey(image, window, x, y);
        const label = classes[x + this.width * y]!;
        const share = label === 0 ? 0 : this.#isOutline(classes, x, y) ? 1 : TINT;
        canvas.set(left + x, top + y, mix([grey, grey, grey], classColour(Math.max(label, 1)), share));
      }
  }

  /** The class of every pixel: that of the voxel it lies in. */
  #classes(labels: Volume<Uint8Array>): Uint8Array {
    const classes = new Uint8Array(this.width * this.height);
    for (let y = 0; y < this.height; y++)
      for (let x = 0; x < this.width; x++) {
        const [h, v] = this.#position(x, y);
        classes[x + this.width * y] = this.#voxel(labels, Math.round(h), Math.round(v));
      }
    return classes;
  }

  /** Where a pixel's middle lies along the voxel axes of the view, in voxels. */
  #position(x: number, y: number): readonly [number, number] {
    const { horizontal, vertical } = this.view;
    const along = ({ length, reversed }: ViewAxis, share: number): number =>
      (reversed ? 1 - share : share) * length - 0.5;
    return [along(horizontal, (x + 0.5) / this.width), along(vertical, 1 - (y + 0.5) / this.height)];
  }

  /** The value of the voxel (h, v) of the slice; beyond the border, that of the border. */
  #voxel({ values, size }: Volume, h: number, v: number): number {
    const { horizontal, vertical, cut } = this.view;
    const place: [number, number, number] = [0, 0, 0];
    place[cut.axis] = cut.index;
    place[horizontal.axis] = Math.min(Math.max(h, 0), horizontal.length - 1);
    place[vertical.axis] = Math.min(Math.max(v, 0), vertical.length - 1);
    return values[place[0] + size[0] * (place[1] + size[1] * place[2])]!;
  }

  #grey(image: Volume, [black, white]: GreyWindow, x: number, y: number): number {
    const shade = (h: number, v: number): number => {
      const value = this.#voxel(image, h, v);
      return value === 0 ? 0 : Math.min(Math.max((value - black) / (white - black), 0), 1);
    };
    const [h, v] = this.#position(x, y);
    const [i, j] = [Math.floor(h), Math.floor(v)];
    const [s, t] = [h - i, v - j];
    const below = (1 - s) * shade(i, j) + s * shade(i + 1, j);
    const above = (1 - s) * shade(i, j + 1) + s * shade(i + 1, j + 1);
    return Math.round(255 * ((1 - t) * below + t * above));
  }

  /** Whether a pixel above, below or beside it is of another class. */
  #isOutline(classes: Uint8Array, x: number, y: number): boolean {
    const { width, height } = this;
    const at = x + width * y;
    const label = classes[at];
    return (
      (x > 0 && classes[at - 1] !== label) ||
      (x + 1 < width && classes[at + 1] !== label) ||
      (y > 0 && classes[at - width] !== label) ||
      (y + 1 < height && classes[at + width] !== label)
    );
  }
}

const mix = (a: Colour, b: Colour, share: number): Colour => [
  Math.round(a[0] + share * (b[0] - a[0])),
  Math.round(a[1] + share * (b[1] - a[1])),
  Math.round(a[2] + share * (b[2] - a[2])),
];
