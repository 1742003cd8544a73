import { setImmediate } from 'node:timers/promises';
import type { OptimizerSpec } from '../config/runFile.ts';
import type { Engine } from '../engine/engine.ts';
import { optimizerFromSpec } from '../optimizers/index.ts';
import type { CellPlace } from './cellPlaces.ts';
import { TimedCells, type PassTimes } from './timedCells.ts';

/** Milliseconds of a cell, of every round. */
export type CellSamples = Readonly<Record<keyof PassTimes, number[]>>;

export interface TimingOptions {
  readonly optimizer: OptimizerSpec;
  readonly repetitions: number;
  /** Milliseconds of waiting for the device alone, which are taken off. */
  readonly overhead: number;
  /** Told of every round: timing goes forward. */
  readonly advance?: (() => void) | undefined;
  readonly signal: AbortSignal;
}

const WARM_UP = 1;
/** Where they take long, this many rounds are enough. */
const LEAST_REPETITIONS = 3;
/** For each cell. */
const PATIENCE_MILLISECONDS = 400;

/** Of consecutive cells. */
export interface WindowSamples {
  readonly cells: readonly CellSamples[];
  /** Of the optimizer's update of all of them. */
  readonly updates: readonly number[];
}

/**
 * Times the passes of consecutive cells in rounds, in their order. A cell that is run again and again by itself finds all of
 * its tensors in the processor's caches and comes out a fifth too fast. Ends early with the reason of the signal.
 */
export async function timePasses(
  engine: Engine,
  places: readonly CellPlace[],
  options: TimingOptions,
): Promise<WindowSamples> {
  const timed = new TimedCells(engine, places, options.overhead);
  const optimizer = optimizerFromSpec(engine, options.optimizer);
  try {
    const cells = await roundsOf(timed, places.length, options);
    const updates = Array.from({ length: WARM_UP + LEAST_REPETITIONS }, () => timed.update(optimizer));
    return { cells, updates: updates.slice(WARM_UP) };
  } finally {
    optimizer.dispose();
    timed.dispose();
  }
}

async function roundsOf(
  timed: TimedCells,
  cells: number,
  { repetitions, advance, signal }: TimingOptions,
): Promise<readonly CellSamples[]> {
  const samples = Array.from({ length: cells }, (): CellSamples => ({
    forward: [],
    backward: [],
    backwardInput: [],
    backwardWeights: [],
  }));
  const begin = performance.now();
  for (let round = 0; round < WARM_UP + repetitions; round++) {
    // A run that ends meanwhile is heard of between two rounds.
    await setImmediate();
    signal.throwIfAborted();
    advance?.();
    if (round >= WARM_UP + LEAST_REPETITIONS && performance.now() - begin > PATIENCE_MILLISECONDS * cells) break;
    const times = timed.round();
    if (round < WARM_UP) continue;
    for (const key of Object.keys(times) as (keyof PassTimes)[])
      for (const [index, each] of times[key].entries()) samples[index]![key].push(each);
  }
  return samples;
}
