import { PNG } from 'pngjs';
import { LETTER, textPoints } from './font.ts';

export type Colour = readonly [red: number, green: number, blue: number];

/** A picture in memory: opaque, 8 bits a channel. */
export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly #png: PNG;

  constructor(width: number, height: number, background: Colour) {
    this.width = width;
    this.height = height;
    this.#png = new PNG({ width, height, colorType: 2 });
    this.fill(0, 0, width, height, background);
  }

  /** Sets a pixel; what lies outside is left away. */
  set(x: number, y: number, [red, green, blue]: Colour): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    const at = 4 * (x + this.width * y);
    const { data } = this.#png;
    data[at] = red;
    data[at + 1] = green;
    data[at + 2] = blue;
    data[at + 3] = 255;
  }

  fill(left: number, top: number, width: number, height: number, colour: Colour): void {
    for (let y = top; y < top + height; y++) for (let x = left; x < left + width; x++) this.set(x, y, colour);
  }

  /** Writes text with its upper left corner there; every point of a letter is `scale` pixels wide. */
  text(left: number, top: number, text: string, colour: Colour, scale = 2): void {
    for (const [x, y] of textPoints(text)) this.fill(left + scale * x, top + scale * y, scale, scale, colour);
  }

  /** Text on a picture: with a dark rim, so that it is read on any grey. */
  rimmedText(left: number, top: number, text: string, colour: Colour, scale = 2): void {
    for (const [x, y] of textPoints(text))
      this.fill(left + scale * x - 1, top + scale * y - 1, scale + 2, scale + 2, [0, 0, 0]);
    this.text(left, top, text, colour, scale);
  }

  encode(): Buffer {
    return PNG.sync.write(this.#png, { colorType: 2 });
  }
}

/** Width of a text in pixels. */
export const textWidth = (text: string, scale = 2): number => text.length * LETTER.advance * scale;
