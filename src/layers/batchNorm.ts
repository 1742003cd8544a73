import { sizeOf, type Shape, type Tensor } from '../engine/tensor.ts';
import type { BatchNormResult } from '../engine/engine.ts';
import type { LayerDescription } from './description.ts';
import { countOf, expectActivation, type SpatialDims } from './geometry.ts';
import type { Forward, Kept, Layer, Pass, Saved } from './layer.ts';
import { LayerShapeError } from './layerShapeError.ts';
import type { ParameterSpec } from './parameter.ts';
import type { ParameterStore } from './parameterStore.ts';
import { bufferOf, vectorOf } from './parameterSpecs.ts';

export interface BatchNormOptions {
  readonly channels: number;
  /** Added to the variance; 1e-5 unless given. */
  readonly epsilon?: number;
  /** The share of the new statistics in the running ones; 0.1 unless given. */
  readonly momentum?: number;
}

/**
 * Batch normalization (Ioffe and Szegedy 2015), as PyTorch's: x̂ = (x − μ) / √(σ² + ε), y = γ·x̂ + β for each channel.
 *
 * While training, μ and σ² are those of the micro-batch. Running statistics r ← (1 − m)·r + m·s are updated once for each
 * micro-batch with the unbiased variance, or, deferred, once for each mini-batch with the biased variance of all of it
 * (torchgpipe's DeferredBatchNorm). In evaluation they stand in for μ and σ².
 */
export class BatchNorm implements Layer {
  readonly name: string;
  readonly parameters: readonly ParameterSpec[];
  readonly description: LayerDescription;
  readonly weightsLater = false;
  readonly running: { readonly buffers: readonly string[]; readonly momentum: number };
  readonly #spatialDims: SpatialDims;
  readonly #channels: number;
  readonly #epsilon: number;
  readonly #momentum: number;

  constructor(spatialDims: SpatialDims, name: string, options: BatchNormOptions) {
    const { epsilon = 1e-5, momentum = 0.1 } = options;
    this.name = name;
    this.#spatialDims = spatialDims;
    this.#channels = countOf(name, 'the number of channels', options.channels);
    this.#epsilon = epsilon;
    this.#momentum = momentum;
    this.description = { kind: 'batch normalization', epsilon };
    this.running = { buffers: [`${name}.running_mean`, `${name}.running_var`], momentum };
    this.parameters = [
      vectorOf(`${name}.weight`, this.#channels, 1),
      vectorOf(`${name}.bias`, this.#channels, 0),
      bufferOf(`${name}.running_mean`, this.#channels, 0),
      bufferOf(`${name}.running_var`, this.#channels, 1),
    ];
  }

  outputShape(input: Shape): Shape {
    expectActivation(this.name, input, this.#spatialDims, this.#channels);
    return input;
  }

  /** Two passes for the statistics, then one multiply-add and its reading. */
  operations(input: Shape): number {
    return 6 * sizeOf(this.outputShape(input));
  }

  kept(): Kept {
    return { input: true, output: false, bytes: statisticsBytes(this.#spatialDims, this.#channels) };
  }

  forward(pass: Pass, input: Tensor): Forward {
    this.outputShape(input.shape);
    return pass.mode === 'train' ? this.#forwardTraining(pass, input) : this.#forwardEvaluation(pass, input);
  }

  #forwardTraining(pass: Pass, input: Tensor): Forward {
    const { engine, parameters } = pass;
    const count = input.size / this.#channels;
    if (count < 2)
      throw new LayerShapeError(
        this.name,
        input.shape,
        'more than one value a channel while training: the variance of one is 0',
      );
    return engine.tidy(() => {
      const { weight, bias } = this.#affine(parameters);
      const result = engine.batchNorm(input, weight, bias, this.#epsilon);
      if (!pass.recomputing) this.#take(pass, result, count);
      return { output: result.output, saved: pass.keep ? [engine.share(input), ...result.saved] : [] };
    });
  }

  #forwardEvaluation(pass: Pass, input: Tensor): Forward {
    const { engine, parameters } = pass;
    return engine.tidy(() => {
      const { weight, bias } = this.#affine(parameters);
      const mean = parameters.read(`${this.name}.running_mean`);
      const variance = parameters.read(`${this.name}.running_var`);
      const output = engine.batchNormInference(input, weight, bias, mean, variance, this.#epsilon);
      return { output, saved: pass.keep ? [engine.share(input)] : [] };
    });
  }

  #affine(parameters: ParameterStore): { weight: Tensor; bias: Tensor } {
    return { weight: parameters.read(`${this.name}.weight`), bias: parameters.read(`${this.name}.bias`) };
  }

  /** Takes the statistics of a micro-batch of `count` values a channel into the running ones, now or later. */
  #take(pass: Pass, { mean, variance }: BatchNormResult, count: number): void {
    const { engine, parameters } = pass;
    if (pass.batchNorm === 'micro') this.#updateRunning(pass, mean, engine.math.mul(variance, count / (count - 1)));
    else {
      const squares = engine.math.mul(variance, count);
      parameters.gatherStatistics(this.name, { count, mean: engine.share(mean), squares });
    }
  }

  /** r ← r − m·(r − s). */
  #updateRunning({ engine, parameters }: Pick<Pass, 'engine' | 'parameters'>, mean: Tensor, variance: Tensor): void {
    const update = (name: string, statistic: Tensor): void => {
      const running = parameters.variable(`${this.name}.${name}`);
      const before = running.read();
      const difference = engine.math.sub(before, statistic);
      before.dispose();
      engine.updates.descend(running, difference, this.#momentum);
      difference.dispose();
    };
    update('running_mean', mean);
    update('running_var', variance);
  }

  /** Deferred: the running statistics, from the whole mini-batch. */
  endMiniBatch(pass: Pick<Pass, 'engine' | 'parameters'>): void {
    const gathered = pass.parameters.takeStatistics(this.name);
    if (!gathered) return;
    const { count, mean, squares } = gathered;
    pass.engine.tidy(() => this.#updateRunning(pass, mean, pass.engine.math.div(squares, count)));
    mean.dispose();
    squares.dispose();
  }

  /**
   * dγ = Σ dy·x̂, dβ = Σ dy, and while training dx = γ/√(σ² + ε) · (dy − mean(dy) − x̂·mean(dy·x̂)): one kernel gives all three.
   */
  backwardInput(pass: Pass, [x, ...statistics]: Saved, dy: Tensor): Tensor {
    if (pass.mode === 'evaluate') return this.#backwardEvaluation(pass, x!, dy);
    const { engine, parameters } = pass;
    return engine.tidy(() => {
      const weight = parameters.read(`${this.name}.weight`);
      const gradient = engine.batchNormGradient(x!, dy, weight, statistics, this.#epsilon);
      parameters.accumulate(`${this.name}.weight`, gradient.scale);
      parameters.accumulate(`${this.name}.bias`, gradient.offset);
      return gradient.input;
    });
  }

  /** The statistics are constants: dx = dy·γ/√(r_var + ε). */
  #backwardEvaluation({ engine, parameters }: Pass, x: Tensor, dy: Tensor): Tensor {
    const { add, mul, rsqrt, sub } = engine.math;
    return engine.tidy(() => {
      const deviation = rsqrt(add(parameters.read(`${this.name}.running_var`), this.#epsilon));
      const normalized = mul(sub(x, parameters.read(`${this.name}.running_mean`)), deviation);
      parameters.accumulate(`${this.name}.weight`, engine.biasGradient(mul(dy, normalized)));
      parameters.accumulate(`${this.name}.bias`, engine.biasGradient(dy));
      return mul(dy, mul(deviation, parameters.read(`${this.name}.weight`)));
    });
  }

  /** Nothing is left: the gradients came with the input's. */
  backwardWeights(): void {}
}

/** What the fused kernel gives to its gradient: mean and deviation of every channel, and in 3D one number that TensorFlow reserves. */
export const statisticsBytes = (spatialDims: SpatialDims, channels: number): number =>
  4 * (2 * channels + (spatialDims === 3 ? 1 : 0));
