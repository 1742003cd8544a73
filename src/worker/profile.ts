import { setImmediate } from 'node:timers/promises';
import type { Engine } from '../engine/engine.ts';
import type { Shape, Tensor } from '../engine/tensor.ts';
import type { Pass } from '../layers/layer.ts';
import { ParameterStore } from '../layers/parameterStore.ts';
import { initializeParameters } from '../models/initialize.ts';
import type { Cell, Model } from '../models/cell.ts';
import { median } from '../partition/profile.ts';
import { parameterSpecs } from '../models/describe.ts';
import { backwardCell, forwardCell } from '../models/runCell.ts';

/** Milliseconds of every cell's passes over one micro-batch. */
export interface CellTimes {
  readonly forward: readonly number[];
  readonly backward: readonly number[];
}

const WARM_UP = 1;

/**
 * Times every cell by itself, in the network's order, on zeros of the shape that it will see: the median of the repetitions.
 * Only one cell's activations are held at a time, so a device that cannot hold the network can still be profiled.
 */
export async function profileCells(
  engine: Engine,
  model: Model,
  { shape, repetitions, signal }: { shape: Shape; repetitions: number; signal: AbortSignal },
): Promise<CellTimes> {
  const forward: number[] = [];
  const backward: number[] = [];
  const skips = new Map<string, Shape>();
  let input = shape;
  for (const [index, cell] of model.cells.entries()) {
    // A run that ends meanwhile is heard of between two cells.
    await setImmediate();
    signal.throwIfAborted();
    const skip = cell.pop === undefined ? undefined : skips.get(cell.pop);
    const timed = timeCell(engine, cell, { input, skip, needInput: index > 0 }, repetitions);
    forward.push(median(timed.forward));
    backward.push(median(timed.backward));
    input = timed.output;
    if (cell.stash !== undefined) skips.set(cell.stash, timed.output);
  }
  return { forward, backward };
}

interface CellInput {
  readonly input: Shape;
  readonly skip: Shape | undefined;
  readonly needInput: boolean;
}

function timeCell(
  engine: Engine,
  cell: Cell,
  { input, skip, needInput }: CellInput,
  repetitions: number,
): { forward: number[]; backward: number[]; output: Shape } {
  const parameters = new ParameterStore(engine);
  initializeParameters(engine, parameters, parameterSpecs([cell]), 0);
  const pass: Pass = {
    engine,
    parameters,
    mode: 'train',
    batchNorm: 'micro',
    recomputing: true,
    keep: true,
    draws: drawsFor(input),
  };
  const x = engine.math.fill([...input], 0.5);
  const joined = skip ? engine.math.fill([...skip], 0.5) : undefined;
  const times = { forward: [] as number[], backward: [] as number[] };
  let output: Shape = [];
  for (let round = 0; round < WARM_UP + repetitions; round++) {
    const begin = performance.now();
    const result = forwardCell(pass, cell, x, joined);
    // Reading one value waits for a GPU to be done.
    settle(engine, result.output);
    const middle = performance.now();
    output = result.output.shape;
    result.stash?.dispose();
    const gradient = engine.math.fill([...output], 1e-3);
    result.output.dispose();
    const start = performance.now();
    const back = backwardCell(pass, cell, result.saved, gradient, undefined, { needInput });
    if (back.input) settle(engine, back.input);
    const end = performance.now();
    back.input?.dispose();
    back.skip?.dispose();
    if (round < WARM_UP) continue;
    times.forward.push(middle - begin);
    times.backward.push(end - start);
  }
  x.dispose();
  joined?.dispose();
  parameters.dispose();
  return { ...times, output };
}

const drawsFor = ([batch = 1]: Shape): string[] => Array.from({ length: batch }, (_, sample) => `profile ${sample}`);

function settle(engine: Engine, tensor: Tensor): void {
  const first = engine.math.slice(
    tensor,
    tensor.shape.map(() => 0),
    tensor.shape.map(() => 1),
  );
  engine.read(first);
  first.dispose();
}
