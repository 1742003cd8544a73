import { sizeOf, type Shape, type Tensor } from '../engine/tensor.ts';
import type { LayerDescription } from './description.ts';
import { channelsOf, spatialOf, withSpatial, type SpatialDims } from './geometry.ts';
import { joinTensors, splitGradient } from './joining.ts';
import type { Forward, Kept, Layer, Pass, Saved, Scratch } from './layer.ts';
import { AveragePool, MaxPool, type PoolOptions } from './pooling.ts';

/** The largest values of all windows, and behind their channels the means: twice the channels. MONAI's MaxAvgPool. */
export class MaxAveragePool implements Layer {
  readonly name: string;
  readonly parameters = [];
  readonly description: LayerDescription;
  readonly weightsLater = false;
  readonly #max: MaxPool;
  readonly #average: AveragePool;

  constructor(spatialDims: SpatialDims, name: string, options: PoolOptions) {
    this.name = name;
    this.#max = new MaxPool(spatialDims, name, options);
    this.#average = new AveragePool(spatialDims, name, options);
    this.description = { kind: 'side by side', branches: [this.#max, this.#average] };
  }

  outputShape(input: Shape): Shape {
    return withSpatial(input, spatialOf(this.#max.outputShape(input)), 2 * channelsOf(input));
  }

  operations(input: Shape): number {
    return this.#max.operations(input) + this.#average.operations(input);
  }

  /** The input, and of the output the half with the largest values. */
  kept(input: Shape): Kept {
    return { input: true, output: false, bytes: 4 * sizeOf(this.#max.outputShape(input)) };
  }

  /** Both halves before they are joined; back, two gradients of the input and their sum. */
  scratch(input: Shape): Scratch {
    const half = 4 * sizeOf(this.#max.outputShape(input));
    const { backward } = this.#max.scratch(input);
    return { forward: 2 * half, backward: Math.max(backward + 2 * half, 8 * sizeOf(input)) };
  }

  forward(pass: Pass, input: Tensor): Forward {
    const { engine } = pass;
    return engine.tidy(() => {
      const max = this.#max.forward(pass, input);
      const average = this.#average.forward(pass, input);
      const output = joinTensors(engine, this.name, 'concatenate', max.output, average.output);
      return { output, saved: [...max.saved, ...average.saved] };
    });
  }

  backwardInput(pass: Pass, [x, y, sizes]: Saved, dy: Tensor): Tensor {
    const { engine } = pass;
    return engine.tidy(() => {
      const [ofMax, ofAverage] = splitGradient(engine, 'concatenate', engine.share(dy), channelsOf(x!.shape));
      const max = this.#max.backwardInput(pass, [x!, y!], ofMax);
      ofMax.dispose();
      const average = this.#average.backwardInput(pass, [sizes!], ofAverage);
      return engine.math.add(max, average);
    });
  }

  backwardWeights(): void {}
}
