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

  /** Plane z of a window. */
  #addPlane(start: Triple, z: number, values: Float32Array): void {
    const { roi, size } = this.#windows;
    const classes = this.#classes;
    const { sums, weights } = this.#plane(start[2] + z);
    const importance = this.#importance;
    const [beginX, endX] = [Math.max(0, -start[0]), Math.min(roi[0], size[0] - start[0])];
    for (let y = Math.max(0, -start[1]); y < Math.min(roi[1], size[1] - start[1]); y++) {
      const row = roi[0] * (y + roi[1] * z);
      let to = start[0] + beginX + size[0] * (start[1] + y);
      for (let x = beginX; x < endX; x++, to++) {
        const weight = importance ? importance[row + x]! : 1;
        weights[to]! += weight;
        const from = (row + x) * classes;
        for (let c = 0; c < classes; c++) sums[to * classes + c]! += weight * values[from + c]!;
      }
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
      const { sums, weights } = plane;
      const classes = this.#classes;
      for (let i = 0, at = 0; i < weights.length; i++) for (let c = 0; c < classes; c++, at++) sums[at]! /= weights[i]!;
      this.#open.delete(this.#finished);
      yield { z: this.#finished, values: sums };
      sums.fill(0);
      weights.fill(0);
      this.#spare.push(plane);
    }
  }
}
