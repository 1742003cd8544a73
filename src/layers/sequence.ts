import type { Shape, Tensor } from '../engine/tensor.ts';
import type { Layer, Pass, Saved } from './layer.ts';

/** What a layer still needs for its weight gradients, after its input gradient is done. */
export interface Held {
  readonly layer: Layer;
  readonly saved: Saved;
  readonly outputGradient: Tensor;
}

/** Whether the gradient of the input is wanted: an image has none that anybody reads. */
export interface BackwardOptions {
  readonly needInput?: boolean;
}

/** The shape after the last layer; throws a LayerShapeError that names the first layer that does not fit. */
export const sequenceOutputShape = (layers: readonly Layer[], input: Shape): Shape =>
  layers.reduce((shape, layer) => layer.outputShape(shape), input);

/** Operations of a forward pass through all layers. */
export function sequenceOperations(layers: readonly Layer[], input: Shape): number {
  let shape = input;
  let total = 0;
  for (const layer of layers) {
    total += layer.operations(shape);
    shape = layer.outputShape(shape);
  }
  return total;
}

/**
 * One layer after the other. `input` stays the caller's; the caller owns the output and `saved`, one entry for each layer (all
 * empty where the pass keeps nothing), which goes to one of the backward functions or to `disposeSaved`.
 */
export function forwardSequence(
  pass: Pass,
  layers: readonly Layer[],
  input: Tensor,
): { output: Tensor; saved: Saved[] } {
  const { engine } = pass;
  return engine.tidy(() => {
    let x = engine.share(input);
    const saved: Saved[] = [];
    for (const layer of layers) {
      const forward = layer.forward(pass, x);
      x.dispose();
      saved.push(forward.saved);
      x = forward.output;
    }
    return { output: x, saved };
  });
}

/**
 * The whole backward pass: adds the parameters' gradients to the store and returns the input's, which the caller owns.
 * Takes over `saved` and `outputGradient`, and disposes each as soon as it has been read: memory falls from layer to layer.
 * Where the input's gradient is not needed, the first layer with parameters is the last to be run and `undefined` is returned.
 */
export function backwardSequence(
  pass: Pass,
  layers: readonly Layer[],
  saved: readonly Saved[],
  outputGradient: Tensor,
  options: BackwardOptions = {},
): Tensor | undefined {
  const { needInput = true } = options;
  const first = needInput ? -1 : layers.findIndex((layer) => layer.parameters.length > 0);
  return pass.engine.tidy(() => {
    let gradient: Tensor | undefined = outputGradient;
    for (let l = layers.length - 1; l >= 0; l--) {
      const layer = layers[l]!;
      const before: Tensor | undefined = gradient;
      if (before && (needInput || l >= first)) {
        const wanted = needInput || l > first || !layer.weightsLater;
        gradient = wanted ? layer.backwardInput(pass, saved[l]!, before) : undefined;
        if (layer.weightsLater) layer.backwardWeights(pass, saved[l]!, before);
        before.dispose();
      }
      saved[l]!.forEach((tensor) => tensor.dispose());
    }
    if (needInput) return gradient;
    gradient?.dispose();
    return undefined;
  });
}

/**
 * The first half of the backward pass: the input's gradient, and what the second half needs. Takes over `saved` and
 * `outputGradient`; the caller owns what it returns. Layers that owe no weight gradients are done with here.
 */
export function backwardInputSequence(
  pass: Pass,
  layers: readonly Layer[],
  saved: readonly Saved[],
  outputGradient: Tensor,
): { input: Tensor; held: Held[] } {
  return pass.engine.tidy(() => {
    const held: Held[] = [];
    let gradient = outputGradient;
    for (let l = layers.length - 1; l >= 0; l--) {
      const layer = layers[l]!;
      const before = gradient;
      gradient = layer.backwardInput(pass, saved[l]!, before);
      if (layer.weightsLater) held.push({ layer, saved: saved[l]!, outputGradient: before });
      else {
        before.dispose();
        saved[l]!.forEach((tensor) => tensor.dispose());
      }
    }
    return { input: gradient, held };
  });
}

/** The second half: adds the gradients of the weights to the store. Takes over `held`, layer by layer. */
export function backwardWeightsSequence(pass: Pass, held: readonly Held[]): void {
  for (const owed of held) {
    owed.layer.backwardWeights(pass, owed.saved, owed.outputGradient);
    disposeHeld([owed]);
  }
}

/** Lets go of what a forward pass kept and no backward pass will read. */
export const disposeSaved = (saved: readonly Saved[]): void =>
  saved.forEach((tensors) => tensors.forEach((tensor) => tensor.dispose()));

/** Lets go of what the first half kept and no second half will read. */
export const disposeHeld = (held: readonly Held[]): void =>
  held.forEach((owed) => [...owed.saved, owed.outputGradient].forEach((tensor) => tensor.dispose()));

/** The end of a mini-batch: every layer that gathered statistics takes them into its buffers. */
export const endMiniBatch = (pass: Pick<Pass, 'engine' | 'parameters'>, layers: readonly Layer[]): void =>
  layers.forEach((layer) => layer.endMiniBatch?.(pass));
