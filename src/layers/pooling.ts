import type { PoolGeometry } from '../engine/engine.ts';
import { sizeOf, type Shape, type Tensor } from '../engine/tensor.ts';
import type { LayerDescription } from './description.ts';
import {
  channelsOf,
  expectActivation,
  perAxis,
  spatialOf,
  withSpatial,
  type PerAxis,
  type SpatialDims,
} from './geometry.ts';
import type { Forward, Kept, Layer, Pass, Saved, Scratch } from './layer.ts';
import { LayerShapeError } from './layerShapeError.ts';

export interface PoolOptions {
  readonly kernel: PerAxis;
  /** The kernel's size unless given, as in PyTorch. */
  readonly stride?: PerAxis;
}

/** What both kinds of pooling share: windows without padding, ⌊(n − kernel) / stride⌋ + 1 of them along each axis. */
abstract class Pool implements Layer {
  readonly name: string;
  readonly parameters = [];
  readonly weightsLater = false;
  protected readonly geometry: PoolGeometry;
  readonly #spatialDims: SpatialDims;

  constructor(spatialDims: SpatialDims, name: string, options: PoolOptions) {
    this.name = name;
    this.#spatialDims = spatialDims;
    this.geometry = {
      sizes: perAxis(name, 'kernel', options.kernel, spatialDims, 1),
      strides: perAxis(name, 'stride', options.stride ?? options.kernel, spatialDims, 1),
    };
  }

  outputShape(input: Shape): Shape {
    expectActivation(this.name, input, this.#spatialDims);
    const { sizes, strides } = this.geometry;
    const windows = spatialOf(input).map((size, axis) => Math.floor((size - sizes[axis]!) / strides[axis]!) + 1);
    if (windows.some((count) => count < 1))
      throw new LayerShapeError(this.name, input, `spatial sizes of at least ${sizes.join(' × ')}`);
    return withSpatial(input, windows, channelsOf(input));
  }

  operations(input: Shape): number {
    return sizeOf(this.outputShape(input)) * sizeOf(this.geometry.sizes);
  }

  abstract readonly description: LayerDescription;
  abstract kept(): Kept;
  abstract forward(pass: Pass, input: Tensor): Forward;
  abstract backwardInput(pass: Pass, saved: Saved, dy: Tensor): Tensor;
  backwardWeights(): void {}
}

/** The largest value of each window; its gradient goes to where that value was. */
export class MaxPool extends Pool {
  readonly description = { kind: 'max pooling', ...this.geometry } as const;

  kept(): Kept {
    return { input: true, output: true, bytes: 0 };
  }

  /** In 3D the way back ranks equal voxels: two arrays of the input's size, and of the output's three, or six where windows overlap. */
  scratch(input: Shape): Scratch {
    if (input.length < 5) return { forward: 0, backward: 0 };
    const { sizes, strides } = this.geometry;
    const overlap = sizes.some((size, axis) => size > strides[axis]!);
    return { forward: 0, backward: 8 * sizeOf(input) + (overlap ? 24 : 12) * sizeOf(this.outputShape(input)) };
  }

  forward({ engine, keep }: Pass, input: Tensor): Forward {
    this.outputShape(input.shape);
    const output = engine.maxPool(input, this.geometry);
    return { output, saved: keep ? [engine.share(input), engine.share(output)] : [] };
  }

  backwardInput({ engine }: Pass, [x, y]: Saved, dy: Tensor): Tensor {
    return engine.maxPoolGradient(x!, y!, dy, this.geometry);
  }
}

/** The mean of each window; its gradient is spread evenly over the window. */
export class AveragePool extends Pool {
  readonly description = { kind: 'average pooling', ...this.geometry } as const;

  kept(): Kept {
    return { input: false, output: false, bytes: 0 };
  }

  forward({ engine, keep }: Pass, input: Tensor): Forward {
    this.outputShape(input.shape);
    const output = engine.averagePool(input, this.geometry);
    // The way back needs the input's sizes and no value of it: an array of no samples carries them in no bytes.
    return { output, saved: keep ? [engine.math.zeros([0, ...input.shape.slice(1)])] : [] };
  }

  backwardInput({ engine }: Pass, [sizes]: Saved, dy: Tensor): Tensor {
    return engine.averagePoolGradient([dy.shape[0], ...sizes!.shape.slice(1)], dy, this.geometry);
  }
}
