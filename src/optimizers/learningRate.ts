import type { LrScheduleSpec } from '../config/runFile.ts';

/** Where in a run a step is; `step` counts from 0. */
export interface RunPosition {
  readonly step: number;
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
}

/**
 * The learning rate of a step.
 *
 *     warm-up    base · (step + 1) / warmup_steps   while step < warmup_steps; then, with s = step − warmup_steps
 *                                                   of S = totalSteps − warmup_steps:
 *     constant   base
 *     step       base · γ^⌊epoch / every⌋
 *     polynomial base · (1 − s/S)^power
 *     cosine     min + (base − min) · (1 + cos(π·s/S)) / 2     (Loshchilov and Hutter 2017, without restarts)
 */
export const learningRate = (spec: LrScheduleSpec, base: number, position: RunPosition): number => {
  const { step, totalSteps, stepsPerEpoch } = position;
  if (step < spec.warmup_steps) return (base * (step + 1)) / spec.warmup_steps;
  const progress = Math.min(1, (step - spec.warmup_steps) / Math.max(1, totalSteps - spec.warmup_steps));
  switch (spec.name) {
    case 'constant':
      return base;
    case 'step':
      return base * spec.gamma ** Math.floor(Math.floor(step / stepsPerEpoch) / spec.every);
    case 'polynomial':
      return base * (1 - progress) ** spec.power;
    case 'cosine':
      return spec.min_lr + ((base - spec.min_lr) * (1 + Math.cos(Math.PI * progress))) / 2;
  }
};
