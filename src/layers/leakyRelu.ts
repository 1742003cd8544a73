import { sizeOf, type Shape, type Tensor } from '../engine/tensor.ts';
import type { LayerDescription } from './description.ts';
import { expectActivation, type SpatialDims } from './geometry.ts';
import type { Forward, Kept, Layer, Pass, Saved } from './layer.ts';

export interface LeakyReluOptions {
  /** What is left of negative values; 0.01 unless given. At least 0; 0 is ReLU. */
  readonly slope?: number;
}

/**
 * y = x where x > 0, slope·x elsewhere; dx = dy or slope·dy. Only the sign is needed for the way back, which the output
 * has as well as the input: the output is what the next layer keeps anyway, so that keeping it here costs nothing.
 */
export class LeakyRelu implements Layer {
  readonly name: string;
  readonly parameters = [];
  readonly description: LayerDescription;
  readonly weightsLater = false;
  readonly #spatialDims: SpatialDims;
  readonly #slope: number;

  constructor(spatialDims: SpatialDims, name: string, options: LeakyReluOptions = {}) {
    const { slope = 0.01 } = options;
    if (!(slope >= 0 && slope < Infinity))
      throw new RangeError(`${name}: slope ${slope} must be 0 or more: the output's sign has to be the input's`);
    this.name = name;
    this.#spatialDims = spatialDims;
    this.#slope = slope;
    this.description = { kind: 'leaky ReLU', slope };
  }

  outputShape(input: Shape): Shape {
    expectActivation(this.name, input, this.#spatialDims);
    return input;
  }

  operations(input: Shape): number {
    return 2 * sizeOf(this.outputShape(input));
  }

  kept(): Kept {
    return { input: false, output: true, bytes: 0 };
  }

  forward({ engine, keep }: Pass, input: Tensor): Forward {
    this.outputShape(input.shape);
    const output = engine.leakyRelu(input, this.#slope);
    return { output, saved: keep ? [engine.share(output)] : [] };
  }

  backwardInput({ engine }: Pass, [y]: Saved, dy: Tensor): Tensor {
    return engine.leakyReluGradient(y!, dy, this.#slope);
  }

  backwardWeights(): void {}
}

/** max(x, 0). */
export class Relu extends LeakyRelu {
  constructor(spatialDims: SpatialDims, name: string) {
    super(spatialDims, name, { slope: 0 });
  }
}
