import { sizeOf, type Shape, type Tensor } from '../engine/tensor.ts';
import { activate, activationGradient, describeActivation, type ActivationName } from './activation.ts';
import type { LayerDescription } from './description.ts';
import { countOf, expectActivation, spatialOf, type SpatialDims } from './geometry.ts';
import type { Forward, Kept, Layer, Pass, Saved, Scratch } from './layer.ts';
import type { ParameterSpec } from './parameter.ts';
import { linearParameters } from './parameterSpecs.ts';

export interface SqueezeExciteOptions {
  readonly channels: number;
  /** The hidden channels are ⌊channels / reduction⌋, at least one. */
  readonly reduction: number;
  readonly hidden: ActivationName;
  readonly gate: ActivationName;
  /** Whether the input is added to the gated input. */
  readonly residual: boolean;
}

/**
 * Squeeze and excitation of channels (Hu et al. 2018), as MONAI's ChannelSELayer, and with `residual` its ResidualSELayer:
 * s = mean of x over space, h = f(s·W₀ + b₀), g = f′(h·W₂ + b₂), y = x·g, or x·g + x. W₀ and W₂ are `fc.0` and `fc.2`.
 *
 * Beside the input's gradient, dx = dy·g + ds / voxels, those of the weights are small sums that come with it.
 */
export class SqueezeExcite implements Layer {
  readonly name: string;
  readonly parameters: readonly ParameterSpec[];
  readonly description: LayerDescription;
  readonly weightsLater = false;
  readonly #spatialDims: SpatialDims;
  readonly #options: SqueezeExciteOptions;
  readonly #hidden: number;

  constructor(spatialDims: SpatialDims, name: string, options: SqueezeExciteOptions) {
    const channels = countOf(name, 'the number of channels', options.channels);
    this.name = name;
    this.#spatialDims = spatialDims;
    this.#options = options;
    this.#hidden = countOf(name, 'the number of hidden channels', Math.floor(channels / options.reduction));
    this.description = {
      kind: 'squeeze and excitation',
      spatialDims,
      hidden: describeActivation(options.hidden),
      gate: describeActivation(options.gate),
      residual: options.residual,
    };
    this.parameters = [
      ...linearParameters(`${name}.fc.0`, channels, this.#hidden),
      ...linearParameters(`${name}.fc.2`, this.#hidden, channels),
    ];
  }

  outputShape(input: Shape): Shape {
    expectActivation(this.name, input, this.#spatialDims, this.#options.channels);
    return input;
  }

  /** The mean, two small products, and the gating. */
  operations(input: Shape): number {
    const { channels, residual } = this.#options;
    const products = input[0]! * (4 * channels * this.#hidden + 2 * (channels + this.#hidden));
    return (residual ? 3 : 2) * sizeOf(this.outputShape(input)) + products;
  }

  /** The input, and s, h and g. */
  kept(input: Shape): Kept {
    return { input: true, output: false, bytes: 4 * input[0]! * (2 * this.#options.channels + this.#hidden) };
  }

  /** dy·x, then dy·g. */
  scratch(input: Shape): Scratch {
    return { forward: 0, backward: 4 * sizeOf(input) };
  }

  forward(pass: Pass, input: Tensor): Forward {
    this.outputShape(input.shape);
    const { engine, keep } = pass;
    const { hidden, gate } = this.#options;
    return engine.tidy(() => {
      const squeezed = engine.math.mean(input, this.#axes());
      const h = activate(engine, hidden, this.#linear(pass, 'fc.0', squeezed));
      const g = activate(engine, gate, this.#linear(pass, 'fc.2', h));
      const output = engine.math.mul(input, this.#factor(pass, g));
      return { output, saved: keep ? [engine.share(input), squeezed, h, g] : [] };
    });
  }

  backwardInput(pass: Pass, [x, squeezed, h, g]: Saved, dy: Tensor): Tensor {
    const { engine } = pass;
    const { hidden, gate } = this.#options;
    const { add, div, mul, sum } = engine.math;
    return engine.tidy(() => {
      const gateGradient = engine.tidy(() => sum(mul(dy, x!), this.#axes()));
      const dh = this.#backLinear(pass, 'fc.2', h!, activationGradient(engine, gate, g!, gateGradient));
      const ds = this.#backLinear(pass, 'fc.0', squeezed!, activationGradient(engine, hidden, h!, dh));
      const spread = this.#overSpace(pass, div(ds, sizeOf(spatialOf(x!.shape))));
      return add(mul(dy, this.#factor(pass, g!)), spread);
    });
  }

  backwardWeights(): void {}

  #axes(): number[] {
    return Array.from({ length: this.#spatialDims }, (_, axis) => axis + 1);
  }

  /** (batch, channels) → (batch, 1, …, channels). */
  #overSpace({ engine }: Pass, values: Tensor): Tensor {
    const [batch = 1, channels = 1] = values.shape;
    return engine.math.reshape(values, [batch, ...this.#axes().map(() => 1), channels]);
  }

  /** g, or g + 1 where the input is added. */
  #factor(pass: Pass, g: Tensor): Tensor {
    return this.#overSpace(pass, this.#options.residual ? pass.engine.math.add(g, 1) : g);
  }

  /** x·W + b of (batch, channels). */
  #linear({ engine, parameters }: Pass, name: string, x: Tensor): Tensor {
    const [weight, bias] = [
      parameters.read(`${this.name}.${name}.weight`),
      parameters.read(`${this.name}.${name}.bias`),
    ];
    return engine.math.add(engine.math.matMul(x, weight), bias);
  }

  /** dx = dy·Wᵀ; adds dW = xᵀ·dy and db = Σ dy to the store. */
  #backLinear({ engine, parameters }: Pass, name: string, x: Tensor, dy: Tensor): Tensor {
    const { matMul, sum } = engine.math;
    parameters.accumulate(`${this.name}.${name}.weight`, matMul(x, dy, true));
    parameters.accumulate(`${this.name}.${name}.bias`, sum(dy, 0));
    return matMul(dy, parameters.read(`${this.name}.${name}.weight`), false, true);
  }
}
