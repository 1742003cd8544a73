import type { Engine } from '../engine/engine.ts';
import type { ClassLosses } from './dice.ts';

/** How the losses of samples and classes become one: `none` leaves them, its gradient is that of their sum. */
export type Reduction = 'none' | 'sum' | 'mean';

/** Reduces the losses, with the gradient that belongs to it. Both are new tensors, of the caller. */
export const reduceLosses = (engine: Engine, { values, gradient }: ClassLosses, reduction: Reduction): ClassLosses => {
  const { math } = engine;
  if (reduction === 'none') return { values: engine.share(values), gradient: engine.share(gradient) };
  if (reduction === 'sum') return { values: math.sum(values), gradient: engine.share(gradient) };
  return { values: math.mean(values), gradient: math.div(gradient, values.size) };
};
