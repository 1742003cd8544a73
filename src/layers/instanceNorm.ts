import type { Engine } from '../engine/engine.ts';
import { sizeOf, type Shape, type Tensor } from '../engine/tensor.ts';
import { statisticsBytes } from './batchNorm.ts';
import type { LayerDescription } from './description.ts';
import { countOf, expectActivation, type SpatialDims } from './geometry.ts';
import type { Forward, Kept, Layer, Pass, Saved, Scratch } from './layer.ts';
import { LayerShapeError } from './layerShapeError.ts';
import type { ParameterSpec } from './parameter.ts';
import { vectorOf } from './parameterSpecs.ts';
import { joinSamples, splitSamples } from './samples.ts';

export interface InstanceNormOptions {
  readonly channels: number;
  /** Added to the variance; 1e-5 unless given. */
  readonly epsilon?: number;
  /** Whether there are a scale and an offset; false unless given, as in PyTorch. */
  readonly affine?: boolean;
}

/**
 * Instance normalization (Ulyanov et al. 2016), as PyTorch's without running statistics: batch normalization of every sample
 * on its own, in training and in evaluation: x̂ = (x − μ) / √(σ² + ε), y = γ·x̂ + β for each sample and channel.
 */
export class InstanceNorm implements Layer {
  readonly name: string;
  readonly parameters: readonly ParameterSpec[];
  readonly description: LayerDescription;
  readonly weightsLater = false;
  readonly #spatialDims: SpatialDims;
  readonly #channels: number;
  readonly #epsilon: number;

  constructor(spatialDims: SpatialDims, name: string, options: InstanceNormOptions) {
    const { epsilon = 1e-5, affine = false } = options;
    this.name = name;
    this.#spatialDims = spatialDims;
    this.#channels = countOf(name, 'the number of channels', options.channels);
    this.#epsilon = epsilon;
    this.description = { kind: 'instance normalization', channels: this.#channels, epsilon };
    this.parameters = affine
      ? [vectorOf(`${name}.weight`, this.#channels, 1), vectorOf(`${name}.bias`, this.#channels, 0)]
      : [];
  }

  outputShape(input: Shape): Shape {
    expectActivation(this.name, input, this.#spatialDims, this.#channels);
    return input;
  }

  operations(input: Shape): number {
    return 6 * sizeOf(this.outputShape(input));
  }

  /** Statistics for each sample. */
  kept(input: Shape): Kept {
    return { input: true, output: false, bytes: input[0]! * statisticsBytes(this.#spatialDims, this.#channels) };
  }

  /** Of several samples each is normalized by itself: copies of the input, of its gradient, and of the results. */
  scratch(input: Shape): Scratch {
    const copies = input[0]! > 1 ? 4 * sizeOf(input) : 0;
    return { forward: 2 * copies, backward: 3 * copies };
  }

  forward(pass: Pass, input: Tensor): Forward {
    this.outputShape(input.shape);
    if (pass.mode === 'train' && sizeOf(input.shape.slice(1, -1)) < 2)
      throw new LayerShapeError(
        this.name,
        input.shape,
        'more than one position while training: the variance of one is 0',
      );
    const { engine } = pass;
    return engine.tidy(() => {
      const { scale, offset } = this.#affine(pass);
      const results = splitSamples(engine, input).map((x) => engine.batchNorm(x, scale, offset, this.#epsilon));
      const output = joinSamples(
        engine,
        results.map((result) => result.output),
      );
      const saved = pass.keep ? [engine.share(input), ...results.flatMap((result) => result.saved)] : [];
      return { output, saved };
    });
  }

  #affine({ engine, parameters }: Pass): { scale: Tensor; offset: Tensor } {
    if (this.parameters.length === 0) return constants(engine, this.#channels);
    return { scale: parameters.read(`${this.name}.weight`), offset: parameters.read(`${this.name}.bias`) };
  }

  /** As in batch normalization, for each sample; dγ and dβ are summed over the samples and come from the same kernels. */
  backwardInput(pass: Pass, [x, ...statistics]: Saved, dy: Tensor): Tensor {
    const { engine, parameters } = pass;
    return engine.tidy(() => {
      const { scale } = this.#affine(pass);
      const gradients = splitSamples(engine, dy);
      const each = statistics.length / gradients.length;
      const inputs = splitSamples(engine, x!).map((sample, i) => {
        const saved = statistics.slice(i * each, (i + 1) * each);
        const gradient = engine.batchNormGradient(sample, gradients[i]!, scale, saved, this.#epsilon);
        if (this.parameters.length > 0) {
          parameters.accumulate(`${this.name}.weight`, gradient.scale);
          parameters.accumulate(`${this.name}.bias`, gradient.offset);
        }
        return gradient.input;
      });
      return joinSamples(engine, inputs);
    });
  }

  /** Nothing is left: the gradients came with the input's. */
  backwardWeights(): void {}
}

/** Scale 1 and offset 0. */
export const constants = ({ math }: Engine, channels: number): { scale: Tensor; offset: Tensor } => ({
  scale: math.ones([channels]),
  offset: math.zeros([channels]),
});
