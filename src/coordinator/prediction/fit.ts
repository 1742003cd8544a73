import type { OptimizerSpec } from '../../config/runFile.ts';
import type { Shape } from '../../engine/tensor.ts';
import type { Model } from '../../models/cell.ts';
import { balanceCells } from '../../partition/balance.ts';
import { cellFootprints } from '../../partition/cellCost.ts';
import { analyticCosts, costPerMicroBatch } from '../../partition/cost.ts';
import { estimatedCost } from '../../partition/estimate.ts';
import { stageCostOf } from '../../partition/modelCost.ts';
import { commonDevice } from '../question.ts';
import type { Shortage } from './errors.ts';

/** Most bytes that each worker holds in a forward pass of one micro-batch (batch, …spatial, channels): parameters and activations. */
export function forwardBytes(model: Model, optimizer: OptimizerSpec, shape: Shape, workers: number): number[] {
  const { stages } = balanceCells(analyticCosts(model, shape).map(costPerMicroBatch), workers);
  // In evaluation there is no loss.
  const loss = { milliseconds: 0, scratchBytes: 0 };
  const cost = { ...estimatedCost(cellFootprints(model, shape, optimizer), commonDevice), loss };
  return stages.map((range) => {
    const { parameterBytes, inputBytes, transientBytes } = stageCostOf(cost, range);
    return parameterBytes + inputBytes + transientBytes.forwardDropping;
  });
}

/** The worst of the workers that cannot hold what they need; undefined where each can. */
export function shortageOf(needed: readonly number[], limits: readonly number[]): Shortage | undefined {
  const missing = needed.map((bytes, worker) => bytes - limits[worker]!);
  const worst = missing.indexOf(Math.max(...missing));
  return missing[worst]! > 0 ? { needed: needed[worst]!, limit: limits[worst]! } : undefined;
}
