import type { ConvolutionGeometry } from '../engine/engine.ts';
import { sizeOf, type Shape, type Tensor } from '../engine/tensor.ts';
import type { LayerDescription } from './description.ts';
import {
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

export interface TransposedConvolutionOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernel: PerAxis;
  /** 1 unless given. */
  readonly stride?: PerAxis;
  /** What the convolution that this one transposes would pad; 0 unless given. */
  readonly padding?: PerAxis;
  /** Further positions at the end of every axis, fewer than the stride; 0 unless given. */
  readonly outputPadding?: PerAxis;
  /** True unless given. */
  readonly bias?: boolean;
}

/**
 * Transposed convolution as PyTorch's ConvTranspose2d and ConvTranspose3d, of
 * (n − 1)·stride − 2·padding + kernel + outputPadding positions. It is the input gradient of the convolution C whose filter is
 * (…kernel, out, in), and so its own gradients are a convolution and a filter gradient of C.
 *
 * Its weights start by PyTorch's rule for a weight (in, out, …kernel), `kaiming_normal_`: fan-in = out · kernel volume.
 */
export class TransposedConvolution implements Layer {
  readonly name: string;
  readonly parameters: readonly ParameterSpec[];
  readonly description: LayerDescription;
  readonly weightsLater = true;
  readonly #spatialDims: SpatialDims;
  readonly #inChannels: number;
  readonly #outChannels: number;
  readonly #kernel: readonly number[];
  readonly #outputPadding: readonly number[];
  readonly #geometry: ConvolutionGeometry;
  readonly #bias: boolean;

  constructor(spatialDims: SpatialDims, name: string, options: TransposedConvolutionOptions) {
    const { kernel, stride = 1, padding = 0, outputPadding = 0, bias = true } = options;
    this.name = name;
    this.#spatialDims = spatialDims;
    this.#inChannels = countOf(name, 'the number of input channels', options.inChannels);
    this.#outChannels = countOf(name, 'the number of output channels', options.outChannels);
    this.#kernel = perAxis(name, 'kernel', kernel, spatialDims, 1);
    this.#outputPadding = perAxis(name, 'output padding', outputPadding, spatialDims, 0);
    const strides = perAxis(name, 'stride', stride, spatialDims, 1);
    if (this.#outputPadding.some((extra, axis) => extra >= strides[axis]!))
      throw new RangeError(
        `${name}: output padding ${this.#outputPadding.join(', ')} must be less than the stride ${strides.join(', ')}`,
      );
    const sides = perAxis(name, 'padding', padding, spatialDims, 0);
    this.#geometry = {
      strides,
      dilations: strides.map(() => 1),
      padding: sides.map((side) => [side, side] as const),
    };
    this.description = {
      kind: 'transposed convolution',
      strides,
      padding: sides,
      outputPadding: this.#outputPadding,
    };
    this.#bias = bias;
    this.parameters = convolutionParameters(name, {
      shape: this.#filterShape(),
      layout: 'transposed',
      fanIn: this.#outChannels * sizeOf(this.#kernel),
      bias: bias ? this.#outChannels : 0,
    });
  }

  #filterShape(): Shape {
    return [...this.#kernel, this.#outChannels, this.#inChannels];
  }

  outputShape(input: Shape): Shape {
    expectActivation(this.name, input, this.#spatialDims, this.#inChannels);
    const { strides, padding } = this.#geometry;
    const sizes = spatialOf(input).map(
      (size, axis) =>
        (size - 1) * strides[axis]! - 2 * padding[axis]![0] + this.#kernel[axis]! + this.#outputPadding[axis]!,
    );
    if (sizes.some((size) => size < 1))
      throw new LayerShapeError(this.name, input, 'more positions: with this padding nothing would be left');
    return withSpatial(input, sizes, this.#outChannels);
  }

  operations(input: Shape): number {
    const outputs = this.#bias ? sizeOf(this.outputShape(input)) : 0;
    return 2 * sizeOf(input) * this.#outChannels * sizeOf(this.#kernel) + outputs;
  }

  kept(): Kept {
    return { input: true, output: false, bytes: 0 };
  }

  /** The output before its bias. */
  scratch(input: Shape): Scratch {
    return { forward: this.#bias ? 4 * sizeOf(this.outputShape(input)) : 0, backward: 0 };
  }

  forward(pass: Pass, input: Tensor): Forward {
    const shape = this.outputShape(input.shape);
    const { engine, parameters } = pass;
    return engine.tidy(() => {
      const weight = parameters.read(`${this.name}.weight`);
      const spread = engine.convolveInputGradient(shape, weight, input, this.#geometry);
      const output = this.#bias ? engine.addBias(spread, parameters.read(`${this.name}.bias`)) : spread;
      return { output, saved: pass.keep ? [engine.share(input)] : [] };
    });
  }

  /** dx = dy ⋆ w. */
  backwardInput({ engine, parameters }: Pass, _saved: Saved, dy: Tensor): Tensor {
    return engine.tidy(() => engine.convolve(dy, parameters.read(`${this.name}.weight`), this.#geometry));
  }

  /** The filter gradient of C, whose input is dy here and whose output gradient is x; db = Σ dy. */
  backwardWeights({ engine, parameters }: Pass, [x]: Saved, dy: Tensor): void {
    parameters.accumulate(
      `${this.name}.weight`,
      engine.convolveFilterGradient(dy, this.#filterShape(), x!, this.#geometry),
    );
    if (this.#bias) parameters.accumulate(`${this.name}.bias`, engine.biasGradient(dy));
  }
}
