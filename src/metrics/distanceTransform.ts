/** A grid of two or three axes, the first one fastest in memory; the spacing of its points along each in millimetres. */
export interface SpacedGrid {
  readonly size: readonly number[];
  readonly spacing: readonly number[];
}

/**
 * The squared Euclidean distance from every point of a grid to the nearest site (where `sites` is not 0), exact, in mm²;
 * infinite where there is no site. Separable: D(p) = minᵩ |p − q|² + f(q) along one axis after the other, each line by the
 * lower envelope of its parabolas, in time linear in the number of points (Felzenszwalb and Huttenlocher, "Distance
 * Transforms of Sampled Functions", 2012).
 */
export function squaredDistances(sites: Uint8Array, { size, spacing }: SpacedGrid): Float64Array {
  const squares = new Float64Array(sites.length).fill(Infinity);
  for (let i = 0; i < sites.length; i++) if (sites[i] !== 0) squares[i] = 0;
  let stride = 1;
  for (const [axis, length] of size.entries()) {
    transformAxis(squares, { length, stride, spacing: spacing[axis]! });
    stride *= length;
  }
  return squares;
}

interface Axis {
  readonly length: number;
  /** Elements from one point of a line to the next. */
  readonly stride: number;
  readonly spacing: number;
}

/** Every line along one axis, in place. */
function transformAxis(squares: Float64Array, { length, stride, spacing }: Axis): void {
  const envelope = new Envelope(length, spacing);
  const block = stride * length;
  for (let start = 0; start < squares.length; start += block)
    for (let offset = 0; offset < stride; offset++) {
      const first = start + offset;
      envelope.clear();
      for (let i = 0; i < length; i++) envelope.add(i, squares[first + i * stride]!);
      envelope.write(squares, first, stride);
    }
}

/** The lower envelope of the parabolas (s·(x − i))² + f(i) over the points i of one line, s apart. */
class Envelope {
  readonly #length: number;
  readonly #square: number;
  /** The parabolas of the envelope from left to right: where their vertices are, and how high. */
  readonly #places: Int32Array;
  readonly #heights: Float64Array;
  /** From where on each is the lowest, in points. */
  readonly #from: Float64Array;
  #count = 0;

  constructor(length: number, spacing: number) {
    this.#length = length;
    this.#square = spacing * spacing;
    this.#places = new Int32Array(length);
    this.#heights = new Float64Array(length);
    this.#from = new Float64Array(length);
  }

  clear(): void {
    this.#count = 0;
  }

  /** Adds the parabola of a point to the right of all before; those that it hides go. */
  add(place: number, height: number): void {
    if (height === Infinity) return;
    let from = -Infinity;
    while (this.#count > 0) {
      const last = this.#count - 1;
      const other = this.#places[last]!;
      // Where the two meet: s²(x − i)² + f(i) = s²(x − j)² + f(j)
      from = (place + other + (height - this.#heights[last]!) / (this.#square * (place - other))) / 2;
      if (from > this.#from[last]!) break;
      this.#count--;
    }
    this.#places[this.#count] = place;
    this.#heights[this.#count] = height;
    this.#from[this.#count] = from;
    this.#count++;
  }

  /** Writes the envelope's height at every point of the line; a line without parabolas stays as it is. */
  write(out: Float64Array, first: number, stride: number): void {
    if (this.#count === 0) return;
    let lowest = 0;
    for (let i = 0; i < this.#length; i++) {
      while (lowest + 1 < this.#count && this.#from[lowest + 1]! < i) lowest++;
      const distance = i - this.#places[lowest]!;
      out[first + i * stride] = this.#square * distance * distance + this.#heights[lowest]!;
    }
  }
}
