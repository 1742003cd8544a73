import type { OptimizerSpec } from '../config/runFile.ts';
import type { Shape } from '../engine/tensor.ts';
import type { Model } from '../models/cell.ts';
import { cellFootprints, type CellFootprint } from '../partition/cellCost.ts';
import { commonCeilings } from '../partition/cost.ts';
import { estimatedCost, type DeviceSpeed } from '../partition/estimate.ts';
import { measuredCost } from '../partition/measured.ts';
import type { ModelCost } from '../partition/modelCost.ts';
import type { PlanQuestion } from '../partition/plan/question.ts';
import type { Profile } from '../partition/profile.ts';

/** What is known of the model's costs: profiles of one or two sizes of micro-batch, or nothing but how fast a device is. */
export type KnownCosts =
  | { readonly kind: 'measured'; readonly profiles: readonly Profile[] }
  | { readonly kind: 'estimated'; readonly device: DeviceSpeed };

/** Where nobody knows the device: only proportions count. */
export const commonDevice: DeviceSpeed = { ...commonCeilings, overheadMilliseconds: 0.05 };

/** With how many samples a cell is timed at most, where the number is to be chosen. */
const MOST_SAMPLES = 4;

/** The sizes of micro-batch to measure: the one that there will be, or two to draw a line through. */
export function sizesToMeasure(batchSize: number, microBatches: number | 'auto'): readonly number[] {
  if (microBatches !== 'auto') return [Math.ceil(batchSize / microBatches)];
  return [...new Set([1, Math.min(batchSize, MOST_SAMPLES)])];
}

/**
 * What the cells cost in the largest of so many micro-batches.
 *
 * @param shape (batch, …spatial, channels) of a micro-batch; how many samples it has does not matter
 */
export function costsFor(
  { model, optimizer, shape, batchSize }: { model: Model; optimizer: OptimizerSpec; shape: Shape; batchSize: number },
  known: KnownCosts,
): PlanQuestion['costs'] {
  const made = new Map<number, ModelCost>();
  return (microBatches) => {
    const samples = Math.ceil(batchSize / microBatches);
    const before = made.get(samples);
    if (before) return before;
    const cost = costOf(cellFootprints(model, [samples, ...shape.slice(1)], optimizer), samples, known);
    made.set(samples, cost);
    return cost;
  };
}

const costOf = (cells: readonly CellFootprint[], samples: number, known: KnownCosts): ModelCost =>
  known.kind === 'measured' ? measuredCost(known.profiles, cells, samples) : estimatedCost(cells, known.device);
