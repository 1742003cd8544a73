import { sizeOf, type Shape, type Tensor } from '../engine/tensor.ts';
import type { LayerDescription } from './description.ts';
import { expectActivation, type SpatialDims } from './geometry.ts';
import type { Forward, Kept, Layer, Pass, Saved, Scratch } from './layer.ts';

/** y = 1 / (1 + exp(−x)); dx = dy·y·(1 − y). */
export class Sigmoid implements Layer {
  readonly name: string;
  readonly parameters = [];
  readonly description: LayerDescription = { kind: 'sigmoid' };
  readonly weightsLater = false;
  readonly #spatialDims: SpatialDims;

  constructor(spatialDims: SpatialDims, name: string) {
    this.name = name;
    this.#spatialDims = spatialDims;
  }

  outputShape(input: Shape): Shape {
    expectActivation(this.name, input, this.#spatialDims);
    return input;
  }

  operations(input: Shape): number {
    return 4 * sizeOf(this.outputShape(input));
  }

  kept(): Kept {
    return { input: false, output: true, bytes: 0 };
  }

  /** 1 − y and y·(1 − y). */
  scratch(input: Shape): Scratch {
    return { forward: 0, backward: 8 * sizeOf(input) };
  }

  forward({ engine, keep }: Pass, input: Tensor): Forward {
    this.outputShape(input.shape);
    const output = engine.math.sigmoid(input);
    return { output, saved: keep ? [engine.share(output)] : [] };
  }

  backwardInput({ engine }: Pass, [y]: Saved, dy: Tensor): Tensor {
    const { mul, sub } = engine.math;
    return engine.tidy(() => mul(dy, mul(y!, sub(1, y!))));
  }

  backwardWeights(): void {}
}
