import type { Engine } from '../engine/engine.ts';
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
import { interpolationMatrix } from './interpolation.ts';
import type { Forward, Kept, Layer, Pass, Saved, Scratch } from './layer.ts';

export interface UpsampleOptions {
  /** 2 unless given. */
  readonly scale?: PerAxis;
}

/**
 * Linear upsampling with aligned corners, as PyTorch's `nn.Upsample(scale, 'bilinear' | 'trilinear', align_corners=True)`.
 * It is separable: one product with a small matrix for each axis, and with its transpose on the way back.
 */
export class Upsample implements Layer {
  readonly name: string;
  readonly parameters = [];
  readonly description: LayerDescription;
  readonly weightsLater = false;
  readonly #spatialDims: SpatialDims;
  readonly #scale: readonly number[];

  constructor(spatialDims: SpatialDims, name: string, options: UpsampleOptions = {}) {
    this.name = name;
    this.#spatialDims = spatialDims;
    this.#scale = perAxis(name, 'scale', options.scale ?? 2, spatialDims, 1);
    this.description = { kind: 'linear upsampling', scale: this.#scale };
  }

  outputShape(input: Shape): Shape {
    expectActivation(this.name, input, this.#spatialDims);
    const sizes = spatialOf(input).map((size, axis) => size * this.#scale[axis]!);
    return withSpatial(input, sizes, channelsOf(input));
  }

  operations(input: Shape): number {
    const sizes = [...input];
    return this.#scale.reduce((total, scale, axis) => {
      const inputs = sizes[axis + 1]!;
      sizes[axis + 1] = inputs * scale;
      return total + 2 * inputs * sizeOf(sizes);
    }, 0);
  }

  kept(): Kept {
    return { input: false, output: false, bytes: 0, passesThrough: this.#scale.every((scale) => scale === 1) };
  }

  /** The axes but the last one done; back, the last one undone, and then the one before it. */
  scratch(input: Shape): Scratch {
    if (this.kept().passesThrough) return { forward: 0, backward: 0 };
    const without = (4 * sizeOf(this.outputShape(input))) / this.#scale.at(-1)!;
    return { forward: without, backward: without + without / this.#scale.at(-2)! - 4 * sizeOf(input) };
  }

  forward({ engine }: Pass, input: Tensor): Forward {
    const shape = this.outputShape(input.shape);
    const output = engine.tidy(() =>
      this.#scale.reduce(
        (x, _, axis) => interpolateAxis(engine, x, axis + 1, input.shape[axis + 1]!, shape[axis + 1]!),
        engine.share(input),
      ),
    );
    return { output, saved: [] };
  }

  backwardInput({ engine }: Pass, _saved: Saved, dy: Tensor): Tensor {
    return engine.tidy(() =>
      this.#scale.reduceRight(
        (gradient, scale, axis) =>
          interpolateAxis(engine, gradient, axis + 1, dy.shape[axis + 1]! / scale, dy.shape[axis + 1]!),
        engine.share(dy),
      ),
    );
  }

  backwardWeights(): void {}
}

/**
 * Along `axis` of x: the product with the matrix of `inputs` → `outputs` where x has `inputs` there, with its transpose where
 * x has `outputs`. Takes x over. An axis whose size stays is left alone.
 */
function interpolateAxis(engine: Engine, x: Tensor, axis: number, inputs: number, outputs: number): Tensor {
  if (inputs === outputs) return x;
  const { matMul, reshape } = engine.math;
  const back = x.shape[axis] === outputs;
  const shape: number[] = [...x.shape];
  shape[axis] = back ? inputs : outputs;
  return engine.tidy(() => {
    const matrix = engine.tensor(interpolationMatrix(inputs, outputs), [1, outputs, inputs]);
    const rows = reshape(x, [sizeOf(x.shape.slice(0, axis)), x.shape[axis]!, sizeOf(x.shape.slice(axis + 1))]);
    x.dispose();
    return reshape(matMul(matrix, rows, back), shape);
  });
}
