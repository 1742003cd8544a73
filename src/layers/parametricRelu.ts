import { sizeOf, type Shape, type Tensor } from '../engine/tensor.ts';
import type { LayerDescription } from './description.ts';
import { countOf, expectActivation, type SpatialDims } from './geometry.ts';
import type { Forward, Kept, Layer, Pass, Saved, Scratch } from './layer.ts';
import type { ParameterSpec } from './parameter.ts';
import { vectorOf } from './parameterSpecs.ts';

export interface ParametricReluOptions {
  /** How many slopes: one for all channels (unless given), or one for each. */
  readonly slopes?: number;
  /** What the slopes start with; 0.25 unless given. */
  readonly initial?: number;
}

/** PReLU (He et al. 2015), as PyTorch's: y = x where x > 0, a·x elsewhere, with a learnt. */
export class ParametricRelu implements Layer {
  readonly name: string;
  readonly parameters: readonly ParameterSpec[];
  readonly description: LayerDescription;
  readonly weightsLater = true;
  readonly #spatialDims: SpatialDims;
  readonly #slopes: number;

  constructor(spatialDims: SpatialDims, name: string, options: ParametricReluOptions = {}) {
    const { slopes = 1, initial = 0.25 } = options;
    this.name = name;
    this.#spatialDims = spatialDims;
    this.description = { kind: 'parametric ReLU', spatialDims };
    this.#slopes = countOf(name, 'the number of slopes', slopes);
    this.parameters = [vectorOf(`${name}.weight`, slopes, initial)];
  }

  outputShape(input: Shape): Shape {
    expectActivation(this.name, input, this.#spatialDims, this.#slopes === 1 ? undefined : this.#slopes);
    return input;
  }

  operations(input: Shape): number {
    return 3 * sizeOf(this.outputShape(input));
  }

  kept(): Kept {
    return { input: true, output: false, bytes: 0 };
  }

  /** The scaled input and where to take it; for the slopes' gradients, two arrays of the input's size. */
  scratch(input: Shape): Scratch {
    return { forward: 5 * sizeOf(input), backward: 8 * sizeOf(input) };
  }

  forward({ engine, parameters, keep }: Pass, input: Tensor): Forward {
    this.outputShape(input.shape);
    const { greater, mul, where } = engine.math;
    return engine.tidy(() => {
      const output = where(greater(input, 0), input, mul(input, parameters.read(`${this.name}.weight`)));
      return { output, saved: keep ? [engine.share(input)] : [] };
    });
  }

  /** dx = dy where x > 0, a·dy elsewhere. */
  backwardInput({ engine, parameters }: Pass, [x]: Saved, dy: Tensor): Tensor {
    const { greater, mul, where } = engine.math;
    return engine.tidy(() => where(greater(x!, 0), dy, mul(dy, parameters.read(`${this.name}.weight`))));
  }

  /** da = Σ dy·min(x, 0). */
  backwardWeights({ engine, parameters }: Pass, [x]: Saved, dy: Tensor): void {
    const { minimum, mul, reshape, sum } = engine.math;
    engine.tidy(() => {
      const channels = engine.biasGradient(mul(dy, minimum(x!, 0)));
      parameters.accumulate(`${this.name}.weight`, this.#slopes === 1 ? reshape(sum(channels), [1]) : channels);
    });
  }
}
