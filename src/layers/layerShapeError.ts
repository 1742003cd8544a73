import type { Shape } from '../engine/tensor.ts';

/** A tensor does not fit the layer that it was given to. */
export class LayerShapeError extends Error {
  override readonly name = 'LayerShapeError';
  readonly layer: string;
  readonly got: Shape;
  /** What fits, in words and sizes: `(batch, height, width, 4)`. */
  readonly expected: string;

  constructor(layer: string, got: Shape, expected: string) {
    super(`${layer} cannot take an array of shape (${got.join(', ')}): it expects ${expected}`);
    this.layer = layer;
    this.got = got;
    this.expected = expected;
  }
}
