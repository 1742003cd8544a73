import type { Triple, Windows } from './windows.ts';

/** A plane of the image whose windows have all been: the weighted mean of what they said, (y, x, classes). */
export interface FinishedPlane {
  readonly z: number;
  /** Filled anew as soon as the next plane is asked for. */
  readonly values: Float32Array;
}

interface OpenPlane {
  /** Σ weight · value, (y, x, classes). */
  readonly sums: Float32Array;
  /** Σ weight, (y, x). */
  readonly weights: Float32Array;
}

/**
 * Puts windows together plane by plane. Windows come by ascending z; a plane that lies before a window's first one can be
 * touched by none to come, and is finished. So there are never more open planes than a window is long along z, whatever the
 * size of the image:
 *
 *     z ─▶   ████████░░░░░░░░░░░░░░░░░
 *            └finished┘└ open ┘└ untouched
 *                     └ window ┘
 */
export class Stitcher {
  readonly #windows: Windows;
  readonly #classes: number;
  readonly #importance: Float32Array | undefined;
  readonly #open = new Map<number, OpenPlane>();
  readonly #spare: OpenPlane[] = [];
  #next = 0;
  #finished = 0;

  /** `importance` as `importanceOf` gives it. */
  constructor(windows: Windows, classes: number, importance?: Float32Array) {
    this.#windows = windows;
    this.#classes = classes;
    this.#importance = importance;
  }

  /** Planes that are held now. */
  get openPlanes(): number {
    return this.#open.size;
  }

  /** Takes what the network made of the next window, (z, y, x, classes), and gives the planes that are finished with it. */
  *add(values: Float32Array): Generator<FinishedPlane> {
    const { starts, roi, size } = this.#windows;
    const start = starts[this.#next];
    if (!start) throw new RangeError(`there are ${starts.length} windows, and one more came`);
    if (values.length !== roi[0] * roi[1] * roi[2] * this.#classes)
      throw new RangeError(
        `a window of ${roi.join(' × ')} voxels and ${this.#classes} classes has not ${values.length} values`,
      );
    this.#next += 1;
    yield* this.#finish(start[2]);
    for (let z = Math.max(0, -start[2]); z < Math.min(roi[2], size[2] - start[2]); z++)
      this.#addPlane(start, z, values);
    yield* this.#finish(starts[this.#next]?.[2] ?? size[2]);
  }

  /** Plane z of a window, row by row. */
  #addPlane(start: Triple, z: number, values: Float32Array): void {
    const { roi, size } = this.#windows;
    const plane = this.#plane(start[2] + z);
    const [begin, end] = [Math.max(0, -start[0]), Math.min(roi[0], size[0] - start[0])];
    for (let y = Math.max(0, -start[1]); y < Math.min(roi[1], size[1] - start[1]); y++) {
      const from = begin + roi[0] * (y + roi[1] * z);
      const to = start[0] + begin + size[0] * (start[1] + y);
      addRow(plane, values, { from, to, length: end - begin, classes: this.#classes, importance: this.#importance });
    }
  }

  #plane(z: number): OpenPlane {
    const open = this.#open.get(z);
    if (open) return open;
    const plane = this.#spare.pop() ?? this.#emptyPlane();
    this.#open.set(z, plane);
    return plane;
  }

  #emptyPlane(): OpenPlane {
    const voxels = this.#windows.size[0] * this.#windows.size[1];
    return { sums: new Float32Array(voxels * this.#classes), weights: new Float32Array(voxels) };
  }

  /** Every open plane before `z`, in order. */
  *#finish(z: number): Generator<FinishedPlane> {
    for (; this.#finished < Math.min(z, this.#windows.size[2]); this.#finished++) {
      const plane = this.#open.get(this.#finished)!;
      divide(plane, this.#classes);
      this.#open.delete(this.#finished);
      yield { z: this.#finished, values: plane.sums };
      plane.sums.fill(0);
      plane.weights.fill(0);
      this.#spare.push(plane);
    }
  }
}

interface Row {
  /** First voxel in the window, and in the plane. */
  readonly from: number;
  readonly to: number;
  readonly length: number;
  readonly classes: number;
  readonly importance: Float32Array | undefined;
}

/** This is where the time goes: without weights the classes of a row are one run of values. */
function addRow({ sums, weights }: OpenPlane, values: Float32Array, row: Row): void {
  const { from, to, length, classes, importance } = row;
  const [read, write] = [from * classes, to * classes];
  if (!importance) {
    for (let i = 0; i < length; i++) weights[to + i]! += 1;
    for (let i = 0; i < length * classes; i++) sums[write + i]! += values[read + i]!;
    return;
  }
  for (let i = 0, at = 0; i < length; i++) {
    const weight = importance[from + i]!;
    weights[to + i]! += weight;
    for (let c = 0; c < classes; c++, at++) sums[write + at]! += weight * values[read + at]!;
  }
}

/** Sums become means. */
function divide({ sums, weights }: OpenPlane, classes: number): void {
  for (let i = 0, at = 0; i < weights.length; i++) {
    const weight = weights[i]!;
    for (let c = 0; c < classes; c++, at++) sums[at]! /= weight;
  }
}
