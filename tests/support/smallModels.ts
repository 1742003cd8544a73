import * as fc from 'fast-check';
import type { LayerFootprint, PlannedCell } from '../../src/partition/cellCost.ts';
import type { ModelCost } from '../../src/partition/modelCost.ts';
import { linkKey } from '../../src/pipeline/messages.ts';
import type { Machine } from '../../src/pipeline/stageCost.ts';
import { milliseconds } from './milliseconds.ts';

interface CellDraw {
  readonly forward: number;
  readonly backwardInput: number;
  readonly backwardWeights: number;
  readonly outputBytes: number;
  readonly parameters: number;
  readonly keepsInput: boolean;
  readonly keepsOutput: boolean;
  readonly ownBytes: number;
}

const drawnCell: fc.Arbitrary<CellDraw> = fc.record({
  forward: fc.double({ min: 0.1, max: 10, noNaN: true }),
  backwardInput: fc.double({ min: 0.1, max: 10, noNaN: true }),
  backwardWeights: fc.double({ min: 0.1, max: 10, noNaN: true }),
  outputBytes: fc.integer({ min: 1, max: 1000 }),
  parameters: fc.integer({ min: 0, max: 100 }),
  keepsInput: fc.boolean(),
  keepsOutput: fc.boolean(),
  ownBytes: fc.integer({ min: 0, max: 500 }),
});

/** Models of cells of one layer each, some of which leave skips, as a U-Net's do: the last stashed is popped first. */
export const smallModels = (cells: number): fc.Arbitrary<ModelCost> =>
  fc
    .record({
      draws: fc.array(drawnCell, { minLength: cells, maxLength: cells }),
      skips: fc.integer({ min: 0, max: Math.max(0, Math.floor((cells - 2) / 3)) }),
      loss: milliseconds(3),
    })
    .map(({ draws, skips, loss }) => ({
      cells: plannedCells(draws, skips),
      loss: { milliseconds: loss, scratchBytes: 100 },
      updatePerMillion: 1000,
    }));

const plannedCells = (draws: readonly CellDraw[], skips: number): PlannedCell[] => {
  const count = draws.length;
  return draws.map((draw, index): PlannedCell => {
    const stash = index < skips ? `skip.${index}` : undefined;
    const level = count - 1 - index;
    const pop = level < skips ? `skip.${level}` : undefined;
    const inputBytes = draws[index - 1]?.outputBytes ?? 300;
    const joined = inputBytes + (pop === undefined ? 0 : draws[level]!.outputBytes);
    const layer: LayerFootprint = {
      operations: 1,
      inputBytes: joined,
      outputBytes: draw.outputBytes,
      weightBytes: 4 * draw.parameters,
      keepsInput: draw.keepsInput,
      keepsOutput: draw.keepsOutput,
      ownBytes: draw.ownBytes,
      passesThrough: false,
      weightsLater: draw.parameters > 0,
      scratch: { forward: 10, backward: 20 },
    };
    return {
      name: `cell.${index}`,
      forward: draw.forward,
      backward: draw.backwardInput + draw.backwardWeights,
      backwardInput: draw.backwardInput,
      backwardWeights: draw.backwardWeights,
      parameters: draw.parameters,
      parameterBytes: 4 * draw.parameters,
      gradientBytes: 4 * draw.parameters,
      optimizerBytes: 8 * draw.parameters,
      activationBytes: draw.ownBytes,
      inputBytes,
      outputBytes: draw.outputBytes,
      stashBytes: stash === undefined ? 0 : draw.outputBytes,
      ...(stash !== undefined && { stash }),
      ...(pop !== undefined && { pop }),
      layers: [layer],
    };
  });
};

/** Machines of workers and links that differ, or do not. */
export const smallMachines = (workers: number): fc.Arbitrary<Machine> => {
  const link = fc.record({ latency: fc.constantFrom(0, 0.1, 1), bytesPerMs: fc.constantFrom(100, 1000, Infinity) });
  const each = fc.record({
    speed: fc.constantFrom(1, 1, 0.5, 2),
    memory: fc.constantFrom(Infinity, Infinity, 20_000, 10_000),
    copyBytesPerMs: fc.constantFrom(Infinity, 500),
  });
  const pair = fc.record({ from: fc.nat(workers - 1), to: fc.nat(workers - 1), link });
  return fc
    .record({
      alike: fc.boolean(),
      workers: fc.array(each, { minLength: workers, maxLength: workers }),
      link,
      pairs: fc.array(pair, { maxLength: 3 }),
    })
    .map(({ alike, workers: drawn, link: usual, pairs }) => ({
      workers: alike ? drawn.map(() => drawn[0]!) : drawn,
      link: usual,
      links: Object.fromEntries(
        alike ? [] : pairs.map(({ from, to, link: own }) => [linkKey({ fromWorker: from, toWorker: to }), own]),
      ),
    }));
};
