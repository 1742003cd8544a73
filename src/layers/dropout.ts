import { sizeOf, type Shape, type Tensor } from '../engine/tensor.ts';
import { RandomStream } from '../random/stream.ts';
import type { LayerDescription } from './description.ts';
import { channelsOf, expectActivation, type SpatialDims } from './geometry.ts';
import type { Forward, Kept, Layer, Pass, Saved, Scratch } from './layer.ts';

export interface DropoutOptions {
  /** The probability that a value becomes 0: 0 or more, less than 1. */
  readonly rate: number;
  /** Single values (PyTorch's Dropout) or whole channels (Dropout2d, Dropout3d). `values` unless given. */
  readonly of?: 'values' | 'channels';
}

/**
 * Dropout (Srivastava et al. 2014), inverted as PyTorch's: y = x·k/(1 − rate), with k = 0 at the rate, else 1; dx = dy·k/(1 − rate).
 * Nothing in evaluation. What is dropped depends on the sample's draw (step and sample) and the layer's name alone, so that it is
 * the same on recomputation and under every partition.
 */
export class Dropout implements Layer {
  readonly name: string;
  readonly parameters = [];
  readonly description: LayerDescription = { kind: 'nothing' };
  readonly weightsLater = false;
  readonly #spatialDims: SpatialDims;
  readonly #rate: number;
  readonly #of: 'values' | 'channels';

  constructor(spatialDims: SpatialDims, name: string, options: DropoutOptions) {
    const { rate, of = 'values' } = options;
    if (!(rate >= 0 && rate < 1))
      throw new RangeError(`${name}: dropout rate ${rate} must be 0 or more and less than 1`);
    this.name = name;
    this.#spatialDims = spatialDims;
    this.#rate = rate;
    this.#of = of;
  }

  outputShape(input: Shape): Shape {
    expectActivation(this.name, input, this.#spatialDims);
    return input;
  }

  operations(input: Shape): number {
    return sizeOf(this.outputShape(input));
  }

  /** One byte a value, or one number a channel; nothing where nothing is ever dropped. */
  kept(input: Shape): Kept {
    const passesThrough = this.#rate === 0;
    const drawn = this.#of === 'values' ? sizeOf(input) : 4 * input[0]! * channelsOf(input);
    return { input: false, output: false, bytes: passesThrough ? 0 : drawn, passesThrough };
  }

  /** x/(1 − rate), and zeros. */
  scratch(input: Shape): Scratch {
    const bytes = this.#rate === 0 || this.#of === 'channels' ? 0 : 8 * sizeOf(input);
    return { forward: bytes, backward: bytes };
  }

  forward(pass: Pass, input: Tensor): Forward {
    this.outputShape(input.shape);
    const { engine, keep } = pass;
    if (pass.mode === 'evaluate' || this.#rate === 0) return { output: engine.share(input), saved: [] };
    return engine.tidy(() => {
      const kept = this.#draw(pass, input.shape);
      return { output: this.#apply(pass, kept, input), saved: keep ? [kept] : [] };
    });
  }

  backwardInput(pass: Pass, [kept]: Saved, dy: Tensor): Tensor {
    return kept ? this.#apply(pass, kept, dy) : pass.engine.share(dy);
  }

  backwardWeights(): void {}

  /** x·k/(1 − rate). */
  #apply({ engine }: Pass, kept: Tensor, x: Tensor): Tensor {
    const { mul, where, zerosLike } = engine.math;
    const factor = 1 / (1 - this.#rate);
    return engine.tidy(() =>
      this.#of === 'values' ? where(kept, mul(x, factor), zerosLike(x)) : mul(x, mul(kept, factor)),
    );
  }

  /** k: (batch, …spatial, channels) of booleans, or (batch, 1, …, channels) of numbers where whole channels go. */
  #draw({ engine, draws }: Pass, shape: Shape): Tensor {
    const batch = shape[0]!;
    if (draws.length !== batch)
      throw new RangeError(
        `${this.name}: ${draws.length} draws for a micro-batch of ${batch}: one is needed for each sample`,
      );
    const each = this.#of === 'values' ? sizeOf(shape.slice(1)) : channelsOf(shape);
    const kept = new Uint8Array(batch * each);
    draws.forEach((draw, sample) => {
      drawKept(new RandomStream(draw, this.name), this.#rate, kept.subarray(sample * each, (sample + 1) * each));
    });
    const { cast } = engine.math;
    if (this.#of === 'values') return engine.tidy(() => cast(engine.tensor(kept, shape), 'bool'));
    return engine.tidy(() => cast(engine.tensor(kept, [batch, ...shape.slice(1, -1).map(() => 1), each]), 'float32'));
  }
}

/** Fills `kept` with 0 at the rate, else 1. A draw has 53 random bits, enough for two values of 26 and 27. */
function drawKept(stream: RandomStream, rate: number, kept: Uint8Array): void {
  for (let i = 0; i < kept.length; i += 2) {
    const bits = stream.next() * 0x4000000;
    const high = Math.floor(bits);
    kept[i] = high / 0x4000000 < rate ? 0 : 1;
    // Beyond the end of an odd length: ignored by the array.
    kept[i + 1] = bits - high < rate ? 0 : 1;
  }
}
