import type { LossSpec, OptimizerSpec } from '../config/runFile.ts';
import type { Engine } from '../engine/engine.ts';
import { sizeOf, type Shape, type Tensor } from '../engine/tensor.ts';
import { lossFromSpec } from '../losses/index.ts';
import type { Cell, Model } from '../models/cell.ts';
import { countParameters, describeModel } from '../models/describe.ts';
import { spreadOf, type Spread } from '../partition/spread.ts';
import { windowsOf } from './cellPlaces.ts';
import { timePasses, type CellSamples } from './timePasses.ts';
import { settle } from './settle.ts';

export interface ProfileRequest {
  /** (batch, …spatial, channels) of a micro-batch. */
  readonly shape: Shape;
  readonly loss: LossSpec;
  readonly optimizer: OptimizerSpec;
  /** Times each cell is run, after warming up. */
  readonly repetitions: number;
  /** Of activations, at once. */
  readonly bytes: number;
  /** Told of every round: timing goes forward. */
  readonly advance?: (() => void) | undefined;
  readonly signal: AbortSignal;
}

export interface ModelTimes {
  readonly cells: readonly Record<keyof CellSamples, Spread>[];
  readonly loss: Spread;
  /** The optimizer's update, for a million parameters. */
  readonly update: Spread;
}

/**
 * Times the passes of every cell, then the loss. The network is run as a whole, or where the device might not hold that, in as
 * few parts as keep within `bytes` of activations: one cell at a time at worst.
 */
export async function profileModel(engine: Engine, model: Model, request: ProfileRequest): Promise<ModelTimes> {
  const overhead = settlingTime(engine);
  const samples: CellSamples[] = [];
  const updates: (readonly number[])[] = [];
  for (const places of windowsOf(model, request.shape, request)) {
    const window = await timePasses(engine, places, { ...request, overhead });
    samples.push(...window.cells);
    updates.push(window.updates);
  }
  return {
    cells: samples.map(({ forward, backward, backwardInput, backwardWeights }) => ({
      forward: spreadOf(forward),
      backward: spreadOf(backward),
      backwardInput: spreadOf(backwardInput),
      backwardWeights: spreadOf(backwardWeights),
    })),
    loss: spreadOf(timeLoss(engine, model, request, overhead)),
    update: perMillion(updates, model.cells),
  };
}

/** What waiting for the device takes at least, where there is nothing to wait for: that is not the cell's. */
function settlingTime(engine: Engine): number {
  const tensor = engine.math.fill([1, 2, 2, 2, 1], 1);
  const times = Array.from({ length: 10 }, () => {
    const begin = performance.now();
    settle(engine, tensor);
    return performance.now() - begin;
  });
  tensor.dispose();
  return Math.min(...times);
}

/** The sum of every round's updates over all cells. */
function perMillion(updates: readonly (readonly number[])[], cells: readonly Cell[]): Spread {
  const parameters = countParameters(cells);
  const rounds = Math.min(...updates.map(({ length }) => length));
  const totals = Array.from({ length: rounds }, (_, round) => updates.reduce((sum, times) => sum + times[round]!, 0));
  return spreadOf(totals.map((total) => total / Math.max(1e-6, parameters / 1e6)));
}

/** The loss of a micro-batch and its gradient, on logits that are all the same. */
function timeLoss(
  engine: Engine,
  model: Model,
  { shape, loss: spec, repetitions }: ProfileRequest,
  overhead: number,
): number[] {
  const output = describeModel(model, shape).at(-1)!.outputShape;
  const [batch = 1, classes = 1] = [output[0], output.at(-1)];
  const logits = engine.math.fill([...output], 0.5);
  const voxels = output.slice(0, -1);
  const labels = engine.tensor(new Int32Array(sizeOf(voxels)), voxels);
  const flags = engine.math.fill([batch, classes], 1);
  const loss = lossFromSpec(spec, classes);
  const times: number[] = [];
  for (let round = 0; round <= repetitions; round++) {
    const begin = performance.now();
    const target = { labels, flags, batchSize: batch, weightTotal: sizeOf(voxels) };
    const { gradient } = loss.evaluate(engine, logits, target);
    settle(engine, gradient);
    if (round > 0) times.push(Math.max(0, performance.now() - begin - overhead));
    gradient.dispose();
  }
  for (const tensor of [logits, labels, flags] satisfies Tensor[]) tensor.dispose();
  return times;
}
