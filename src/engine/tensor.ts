import type { Tensor as TfTensor } from '@tensorflow/tfjs';

/** An n-dimensional array in the engine's memory. Whoever receives one owns it, and disposes it. */
export type Tensor = TfTensor;

/** Sizes along every axis; activations are channels last: (batch, …spatial, channels). */
export type Shape = readonly number[];

/** Number of elements of a shape. */
export const sizeOf = (shape: Shape): number => shape.reduce((product, size) => product * size, 1);
