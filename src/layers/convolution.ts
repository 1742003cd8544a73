import { sizeOf, type Shape, type Tensor } from '../engine/tensor.ts';
import type { ConvolutionGeometry } from '../engine/engine.ts';
import { planPadding } from '../engine/geometry.ts';
import type { LayerDescription } from './description.ts';
import {
  channelsOf,
  countOf,
  expectActivation,
  perAxis,
  spatialOf,
  withSpatial,
  type PerAxis,
  type SpatialDims,
} from './geometry.ts';
import type { Forward, Kept, Layer, Pass, Saved, Scratch } from './layer.ts';
import { LayerShapeError } from './layerShapeError.ts';
import type { ParameterSpec } from './parameter.ts';
import { convolutionParameters } from './parameterSpecs.ts';

export interface ConvolutionOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernel: PerAxis;
  /** 1 unless given. */
  readonly stride?: PerAxis;
  /** 1 unless given. */
  readonly dilation?: PerAxis;
  /**
   * Zeros on either side of every axis, as PyTorch's; 0 unless given. `same` keeps the size at stride 1:
   * dilation · (kernel − 1) / 2, for odd kernels.
   */
  readonly padding?: PerAxis | 'same';
  /**
   * True unless given. `cancelled`: there is one, and the batch normalization behind subtracts it again with the mean. Its gradient
   * is 0; computed, it would be nothing but rounding.
   */
  readonly bias?: boolean | 'cancelled';
}

/**
 * Convolution as PyTorch's Conv2d and Conv3d (a cross-correlation), with zero padding:
 * y[o] = b + Σₖ x[o·stride + k·dilation − padding] · w[k], of ⌊(n + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1 positions.
 */
export class Convolution implements Layer {
  readonly name: string;
  readonly parameters: readonly ParameterSpec[];
  readonly description: LayerDescription;
  readonly weightsLater = true;
  readonly #spatialDims: SpatialDims;
  readonly #inChannels: number;
  readonly #outChannels: number;
  readonly #kernel: readonly number[];
  readonly #geometry: ConvolutionGeometry;
  readonly #bias: boolean;
  readonly #biasCancelled: boolean;

  constructor(spatialDims: SpatialDims, name: string, options: ConvolutionOptions) {
    const { kernel, stride = 1, dilation = 1, padding = 0, bias = true } = options;
    this.name = name;
    this.#spatialDims = spatialDims;
    this.#inChannels = countOf(name, 'the number of input channels', options.inChannels);
    this.#outChannels = countOf(name, 'the number of output channels', options.outChannels);
    this.#kernel = perAxis(name, 'kernel', kernel, spatialDims, 1);
    const dilations = perAxis(name, 'dilation', dilation, spatialDims, 1);
    const sides =
      padding === 'same'
        ? samePadding(name, this.#kernel, dilations)
        : perAxis(name, 'padding', padding, spatialDims, 0);
    this.#geometry = {
      strides: perAxis(name, 'stride', stride, spatialDims, 1),
      dilations,
      padding: sides.map((side) => [side, side] as const),
    };
    this.description = {
      kind: 'convolution',
      strides: this.#geometry.strides,
      dilations,
      padding: sides,
    };
    this.#bias = bias !== false;
    this.#biasCancelled = bias === 'cancelled';
    this.parameters = convolutionParameters(name, {
      shape: [...this.#kernel, this.#inChannels, this.#outChannels],
      layout: 'convolution',
      fanIn: this.#inChannels * sizeOf(this.#kernel),
      bias: this.#bias ? this.#outChannels : 0,
    });
  }

  outputShape(input: Shape): Shape {
    expectActivation(this.name, input, this.#spatialDims, this.#inChannels);
    const { strides, dilations, padding } = this.#geometry;
    const spans = this.#kernel.map((size, axis) => dilations[axis]! * (size - 1) + 1 - 2 * padding[axis]![0]);
    const sizes = spatialOf(input).map((size, axis) => Math.floor((size - spans[axis]!) / strides[axis]!) + 1);
    if (sizes.some((size) => size < 1))
      throw new LayerShapeError(this.name, input, `spatial sizes of at least ${spans.join(' × ')}`);
    return withSpatial(input, sizes, this.#outChannels);
  }

  operations(input: Shape): number {
    const outputs = sizeOf(this.outputShape(input));
    return outputs * (2 * this.#inChannels * sizeOf(this.#kernel) + (this.#bias ? 1 : 0));
  }

  kept(): Kept {
    return { input: true, output: false, bytes: 0 };
  }

  /** The input with zeros around it, where no padding of TensorFlow's means ours; the output before its bias. */
  scratch(input: Shape): Scratch {
    const plan = planPadding(spatialOf(input), this.#kernel, this.#geometry);
    const pads = plan.kind === 'explicit' ? plan.pads : [];
    const sizes = pads.map(([before, after], axis) => input[axis + 1]! + before + after);
    const padded = pads.length > 0 ? 4 * sizeOf(withSpatial(input, sizes, this.#inChannels)) : 0;
    const unbiased = this.#bias ? 4 * sizeOf(this.outputShape(input)) : 0;
    return { forward: Math.max(padded, unbiased), backward: padded };
  }

  forward(pass: Pass, input: Tensor): Forward {
    this.outputShape(input.shape);
    const { engine, parameters } = pass;
    return engine.tidy(() => {
      const convolved = engine.convolve(input, parameters.read(`${this.name}.weight`), this.#geometry);
      const output = this.#bias ? engine.addBias(convolved, parameters.read(`${this.name}.bias`)) : convolved;
      return { output, saved: pass.keep ? [engine.share(input)] : [] };
    });
  }

  /** dx = dy ⋆ᵀ w. */
  backwardInput({ engine, parameters }: Pass, [x]: Saved, dy: Tensor): Tensor {
    return engine.tidy(() =>
      engine.convolveInputGradient(x!.shape, parameters.read(`${this.name}.weight`), dy, this.#geometry),
    );
  }

  /** dw[k] = Σₒ x[o·stride + k·dilation − padding] · dy[o]; db = Σₒ dy[o]. */
  backwardWeights({ engine, parameters }: Pass, [x]: Saved, dy: Tensor): void {
    const filterShape = [...this.#kernel, this.#inChannels, channelsOf(dy.shape)];
    parameters.accumulate(`${this.name}.weight`, engine.convolveFilterGradient(x!, filterShape, dy, this.#geometry));
    if (!this.#bias) return;
    const gradient = this.#biasCancelled ? engine.math.zeros([this.#outChannels]) : engine.biasGradient(dy);
    parameters.accumulate(`${this.name}.bias`, gradient);
  }
}

function samePadding(layer: string, kernel: readonly number[], dilations: readonly number[]): number[] {
  if (kernel.some((size) => size % 2 === 0))
    throw new RangeError(
      `${layer}: padding 'same' needs an odd kernel, not ${kernel.join(' × ')}: give the padding in numbers`,
    );
  return kernel.map((size, axis) => (dilations[axis]! * (size - 1)) / 2);
}
