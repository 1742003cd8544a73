import type { CellFootprint, CellTimes, LayerFootprint } from './cellCost.ts';
import type { CellCost, DeviceCeilings } from './cost.ts';
import { unmeasuredLoss } from './modelCost.ts';
import type { ModelCost } from './modelCost.ts';

/*
 * Times without a device. Every kernel takes as long as its operations or its memory traffic take, whichever is longer
 * (Williams et al., Roofline, 2009), and its overhead. With x and y the bytes of a layer's input and output, w of its weights:
 *
 *     forward                                 operations              x + w + y
 *     convolutions: input gradient            operations              y + w + x
 *                   weight gradient           operations              x + y + w
 *     others: input gradient (and what        2 · operations          x + y + x
 *             comes with it)
 *
 * The first layer of all has no input gradient.
 */

/** A device's ceilings, and what each of its kernels takes at least. */
export interface DeviceSpeed extends DeviceCeilings {
  readonly overheadMilliseconds: number;
}

/** How often the loss passes over the logits, softmax and gradient among them. */
const passesOfLoss = 20;

/** The times of every cell on a device. */
export const estimatedTimes = (cells: readonly CellFootprint[], device: DeviceSpeed): CellTimes[] =>
  cells.map(({ layers }, cell) => {
    const parts = layers.map((layer, index) => layerTimes(layer, device, cell === 0 && index === 0));
    const total = (part: keyof LayerTimes): number => parts.reduce((sum, times) => sum + times[part], 0);
    const [forward, backwardInput, backwardWeights] = [total('forward'), total('input'), total('weights')];
    return { forward, backward: backwardInput + backwardWeights, backwardInput, backwardWeights };
  });

interface LayerTimes {
  readonly forward: number;
  readonly input: number;
  readonly weights: number;
}

const layerTimes = (layer: LayerFootprint, device: DeviceSpeed, first: boolean): LayerTimes => {
  const { operations, inputBytes: x, outputBytes: y, weightBytes: w, weightsLater, passesThrough } = layer;
  if (passesThrough) return { forward: 0, input: 0, weights: 0 };
  const kernel = (work: number, bytes: number): number =>
    1000 * Math.max(work / device.operationsPerSecond, bytes / device.bytesPerSecond) + device.overheadMilliseconds;
  const forward = kernel(operations, x + w + y);
  if (!weightsLater) return { forward, input: kernel(2 * operations, 2 * x + y), weights: 0 };
  return { forward, input: first ? 0 : forward, weights: forward };
};

/** All of a model's costs on a device that is not here. */
export const estimatedCost = (cells: readonly CellFootprint[], device: DeviceSpeed): ModelCost => {
  const times = estimatedTimes(cells, device);
  const loss = unmeasuredLoss(cells);
  const logits = cells.at(-1)?.outputBytes ?? 0;
  const perByte = 1000 / device.bytesPerSecond;
  return {
    cells: cells.map((cell, index) => ({ ...cell, ...(times[index] as CellTimes) })),
    loss: { ...loss, milliseconds: passesOfLoss * logits * perByte },
    updatePerMillion: updateBytes(cells) * perByte,
  };
};

/** Per million parameters: the gradient is read, the parameter and each slot read and written. */
const updateBytes = (cells: readonly CellFootprint[]): number => {
  const total = (figure: 'optimizerBytes' | 'parameters'): number => cells.reduce((sum, cell) => sum + cell[figure], 0);
  const parameters = total('parameters');
  return parameters > 0 ? 1e6 * (12 + (2 * total('optimizerBytes')) / parameters) : 0;
};

/** Measured times with the backward pass cut in two, in the proportion of an estimate where the halves were not measured. */
export const measuredTimes = (
  measured: readonly (Pick<CellCost, 'forward' | 'backward'> & Partial<CellTimes>)[],
  estimates: readonly CellTimes[],
): CellTimes[] =>
  measured.map(({ forward, backward, backwardInput, backwardWeights }, cell) => {
    if (backwardInput !== undefined && backwardWeights !== undefined)
      return { forward, backward, backwardInput, backwardWeights };
    const estimate = estimates[cell];
    const share = estimate && estimate.backward > 0 ? estimate.backwardWeights / estimate.backward : 0.5;
    return { forward, backward, backwardInput: (1 - share) * backward, backwardWeights: share * backward };
  });
