import { sizeOf, type Shape, type Tensor } from '../engine/tensor.ts';
import { Convolution, type ConvolutionOptions } from './convolution.ts';
import type { LayerDescription } from './description.ts';
import { channelsOf, spatialOf, withSpatial, type SpatialDims } from './geometry.ts';
import type { Forward, Kept, Layer, Pass, Saved, Scratch } from './layer.ts';
import { LayerShapeError } from './layerShapeError.ts';
import type { ParameterSpec } from './parameter.ts';

/** Convolutions of one input side by side, their outputs concatenated along the channels: `name.0`, `name.1`, … */
export class ParallelConvolutions implements Layer {
  readonly name: string;
  readonly parameters: readonly ParameterSpec[];
  readonly description: LayerDescription;
  readonly weightsLater = true;
  readonly #branches: readonly Convolution[];

  constructor(spatialDims: SpatialDims, name: string, branches: readonly ConvolutionOptions[]) {
    if (branches.length === 0) throw new RangeError(`${name}: at least one convolution is needed`);
    this.name = name;
    this.#branches = branches.map((options, index) => new Convolution(spatialDims, `${name}.${index}`, options));
    this.description = { kind: 'side by side', branches: this.#branches };
    this.parameters = this.#branches.flatMap((branch) => branch.parameters);
  }

  outputShape(input: Shape): Shape {
    const shapes = this.#branches.map((branch) => branch.outputShape(input));
    const [first, ...others] = shapes.map(spatialOf);
    const unlike = others.find((sizes) => sizes.some((size, axis) => size !== first![axis]));
    if (unlike)
      throw new LayerShapeError(
        this.name,
        input,
        `branches of one size: some give ${first!.join(' × ')}, some ${unlike.join(' × ')}`,
      );
    const channels = shapes.reduce((sum, shape) => sum + channelsOf(shape), 0);
    return withSpatial(input, first!, channels);
  }

  operations(input: Shape): number {
    return this.#branches.reduce((sum, branch) => sum + branch.operations(input), 0);
  }

  kept(): Kept {
    return { input: true, output: false, bytes: 0 };
  }

  /** Every branch's output before they are joined; back, one gradient of the input more than their sum. */
  scratch(input: Shape): Scratch {
    const output = 4 * sizeOf(this.outputShape(input));
    let [made, forward, backward] = [0, output, 8 * sizeOf(input)];
    for (const branch of this.#branches) {
      const own = 4 * sizeOf(branch.outputShape(input));
      const scratch = branch.scratch(input);
      made += own;
      forward = Math.max(forward, made + scratch.forward - output);
      backward = Math.max(backward, 4 * sizeOf(input) + own + scratch.backward);
    }
    return { forward, backward };
  }

  forward(pass: Pass, input: Tensor): Forward {
    this.outputShape(input.shape);
    const { engine } = pass;
    return engine.tidy(() => {
      const outputs = this.#branches.map((branch) => branch.forward({ ...pass, keep: false }, input).output);
      return { output: engine.math.concat(outputs, -1), saved: pass.keep ? [engine.share(input)] : [] };
    });
  }

  backwardInput(pass: Pass, saved: Saved, dy: Tensor): Tensor {
    const { engine } = pass;
    return engine.tidy(() => {
      let sum: Tensor | undefined;
      this.#withEach(pass, saved, dy, (branch, gradient) => {
        const own = branch.backwardInput(pass, saved, gradient);
        const before: Tensor | undefined = sum;
        sum = before ? engine.math.add(before, own) : own;
        if (before) [before, own].forEach((part) => part.dispose());
      });
      return sum!;
    });
  }

  backwardWeights(pass: Pass, saved: Saved, dy: Tensor): void {
    this.#withEach(pass, saved, dy, (branch, gradient) => branch.backwardWeights(pass, saved, gradient));
  }

  /** Every branch with its channels of the output's gradient. */
  #withEach({ engine }: Pass, [x]: Saved, dy: Tensor, work: (branch: Convolution, gradient: Tensor) => void): void {
    let start = 0;
    for (const branch of this.#branches) {
      const shape = branch.outputShape(x!.shape);
      const gradient = engine.math.slice(dy, [...shape.slice(1).map(() => 0), start], [...shape]);
      work(branch, gradient);
      gradient.dispose();
      start += channelsOf(shape);
    }
  }
}
