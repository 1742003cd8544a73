import type { OptimizerSpec } from '../../config/runFile.ts';
import type { Shape } from '../../engine/tensor.ts';
import type { Model } from '../../models/cell.ts';
import { balanceCells } from '../../partition/balance.ts';
import { cellFootprints } from '../../partition/cellCost.ts';
import { analyticCosts, costPerMicroBatch } from '../../partition/cost.ts';
import { estimatedCost } from '../../partition/estimate.ts';
import { stageCostOf } from '../../partition/modelCost.ts';
import { commonDevice } from '../question.ts';

/** An image, or a window of it, of which a worker cannot hold what its part of the network makes. */
export class ImageDoesNotFitError extends Error {
  override readonly name = 'ImageDoesNotFitError';
  readonly file: string;
  /** Bytes that the worker with the largest part needs, and may hold. */
  readonly needed: number;
  readonly limit: number;

  constructor(file: string, shape: Shape, { needed, limit, mode }: Shortage & { mode: 'whole' | 'sliding' }) {
    const what = mode === 'whole' ? 'the whole image' : 'a window';
    const remedy = mode === 'whole' ? 'segment it window by window (--mode sliding)' : 'give smaller windows (--roi)';
    super(
      `${file}: ${what} of ${shape.slice(1, -1).toReversed().join(' × ')} needs about ${gib(needed)} on a worker, which has ` +
        `${gib(limit)}; ${remedy}, or more workers`,
    );
    this.file = file;
    this.needed = needed;
    this.limit = limit;
  }
}

interface Shortage {
  readonly needed: number;
  readonly limit: number;
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(bytes < 2 ** 30 ? 2 : 1)} GiB`;

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
