import type { Engine } from '../engine/engine.ts';
import { sizeOf, type Shape, type Tensor } from '../engine/tensor.ts';
import type { LayerDescription } from './description.ts';
import { countOf, expectActivation, type SpatialDims } from './geometry.ts';
import { constants } from './instanceNorm.ts';
import type { Forward, Kept, Layer, Pass, Saved, Scratch } from './layer.ts';
import type { ParameterSpec } from './parameter.ts';
import { vectorOf } from './parameterSpecs.ts';
import { joinSamples, splitSamples } from './samples.ts';

export interface GroupNormOptions {
  /** Divides the channels; group g holds the channels from g·C/G on. */
  readonly groups: number;
  readonly channels: number;
  /** Added to the variance; 1e-5 unless given. */
  readonly epsilon?: number;
}

/**
 * Group normalization (Wu and He 2018), as PyTorch's, in training and in evaluation:
 * x̂ = (x − μ) / √(σ² + ε) with μ and σ² over the positions and channels of a group of one sample, y = γ·x̂ + β for each channel.
 */
export class GroupNorm implements Layer {
  readonly name: string;
  readonly parameters: readonly ParameterSpec[];
  readonly description: LayerDescription;
  readonly weightsLater = false;
  readonly #spatialDims: SpatialDims;
  readonly #channels: number;
  readonly #groups: number;
  readonly #epsilon: number;

  constructor(spatialDims: SpatialDims, name: string, options: GroupNormOptions) {
    const { groups, channels, epsilon = 1e-5 } = options;
    this.name = name;
    this.#spatialDims = spatialDims;
    this.#channels = countOf(name, 'the number of channels', channels);
    this.#groups = countOf(name, 'the number of groups', groups);
    if (channels % groups !== 0)
      throw new RangeError(`${name}: ${channels} channels cannot be cut into ${groups} equal groups`);
    this.#epsilon = epsilon;
    this.description = { kind: 'group normalization', groups, epsilon };
    this.parameters = [vectorOf(`${name}.weight`, channels, 1), vectorOf(`${name}.bias`, channels, 0)];
  }

  outputShape(input: Shape): Shape {
    expectActivation(this.name, input, this.#spatialDims, this.#channels);
    return input;
  }

  operations(input: Shape): number {
    return 6 * sizeOf(this.outputShape(input));
  }

  /** Mean and variance for each sample and channel. */
  kept(input: Shape): Kept {
    return { input: true, output: false, bytes: 4 * input[0]! * 2 * this.#channels };
  }

  /** Of several samples each is normalized by itself: copies of all, and five temporaries of one on the way back. */
  scratch(input: Shape): Scratch {
    const [bytes, batch] = [4 * sizeOf(input), input[0]!];
    const copies = batch > 1 ? 2 * bytes : 0;
    return { forward: copies, backward: Math.max((3 * copies) / 2, copies + (5 * bytes) / batch) };
  }

  forward(pass: Pass, input: Tensor): Forward {
    this.outputShape(input.shape);
    const { engine, parameters } = pass;
    return engine.tidy(() => {
      const scale = parameters.read(`${this.name}.weight`);
      const offset = parameters.read(`${this.name}.bias`);
      const samples = splitSamples(engine, input);
      const statistics = samples.map((x) => this.#statistics(engine, x));
      const outputs = samples.map((x, i) => {
        const { mean, variance } = statistics[i]!;
        return engine.batchNormInference(x, scale, offset, mean, variance, this.#epsilon);
      });
      const kept = pass.keep ? statistics.flatMap(({ mean, variance }) => [mean, variance]) : [];
      return { output: joinSamples(engine, outputs), saved: pass.keep ? [engine.share(input), ...kept] : [] };
    });
  }

  /**
   * Mean and variance of the group of every channel, (channels) each, from those of the channels:
   * μ = mean(μ_c), σ² = mean(σ_c² + (μ_c − μ)²). The fused kernel reads the sample once for all channels.
   */
  #statistics(engine: Engine, x: Tensor): { mean: Tensor; variance: Tensor } {
    const { add, square, sub } = engine.math;
    return engine.tidy(() => {
      const { scale, offset } = constants(engine, this.#channels);
      const channel = engine.batchNorm(x, scale, offset, this.#epsilon);
      const mean = this.#groupMean(engine, channel.mean);
      return { mean, variance: this.#groupMean(engine, add(channel.variance, square(sub(channel.mean, mean)))) };
    });
  }

  /** (channels) → (channels): every channel gets the mean over its group. */
  #groupMean({ math }: Engine, x: Tensor): Tensor {
    const size = this.#channels / this.#groups;
    const means = math.mean(math.reshape(x, [this.#groups, size]), 1, true);
    return math.reshape(math.tile(means, [1, size]), [this.#channels]);
  }

  /** dγ = Σ dy·x̂, dβ = Σ dy, dx = (γ·dy − mean(γ·dy) − x̂·mean(γ·dy·x̂)) / √(σ² + ε), with the means over the group. */
  backwardInput({ engine, parameters }: Pass, [x, ...statistics]: Saved, dy: Tensor): Tensor {
    return engine.tidy(() => {
      const scale = parameters.read(`${this.name}.weight`);
      const gradients = splitSamples(engine, dy);
      const inputs = splitSamples(engine, x!).map((sample, i) => {
        const [mean, variance] = statistics.slice(2 * i);
        const back = this.#backwardSample(engine, sample, gradients[i]!, scale, mean!, variance!);
        parameters.accumulate(`${this.name}.weight`, back.scale);
        parameters.accumulate(`${this.name}.bias`, back.offset);
        return back.input;
      });
      return joinSamples(engine, inputs);
    });
  }

  #backwardSample(engine: Engine, x: Tensor, dy: Tensor, scale: Tensor, mean: Tensor, variance: Tensor) {
    const { add, addN, div, mul, neg, rsqrt } = engine.math;
    return engine.tidy(() => {
      const none = constants(engine, this.#channels);
      const normalized = engine.batchNormInference(x, none.scale, none.offset, mean, variance, this.#epsilon);
      const sums = { scale: engine.biasGradient(mul(dy, normalized)), offset: engine.biasGradient(dy) };
      const positions = sizeOf(x.shape.slice(1, -1));
      const deviation = rsqrt(add(variance, this.#epsilon));
      const term = (sum: Tensor) => neg(mul(deviation, this.#groupMean(engine, div(mul(scale, sum), positions))));
      const slope = mul(dy, mul(scale, deviation));
      return { ...sums, input: addN([slope, engine.addBias(mul(normalized, term(sums.scale)), term(sums.offset))]) };
    });
  }

  /** Nothing is left: the gradients came with the input's. */
  backwardWeights(): void {}
}
