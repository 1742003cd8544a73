import type { PlannedCell } from '../../src/partition/cellCost.ts';
import type { ModelCost } from '../../src/partition/modelCost.ts';
import type { RandomStream } from '../../src/random/stream.ts';

/**
 * A network whose cells differ as those of real ones do: times over two orders of magnitude, sizes that fall towards the
 * middle, a few skips from the first half to the second.
 */
export const randomModel = (random: RandomStream, count: number): ModelCost => {
  const bytes = Array.from({ length: count }, (_, cell) => {
    const depth = Math.min(cell, count - 1 - cell) / count;
    return Math.round(64e6 * 2 ** (-12 * depth) * spread(random));
  });
  const skips = random.integer(Math.max(1, Math.floor(count / 6)) + 1);
  return {
    cells: Array.from({ length: count }, (_, cell) => randomCell(random, cell, bytes, skips)),
    loss: { milliseconds: 1, scratchBytes: 0 },
    updatePerMillion: 0.05,
  };
};

/** Around 1, now and then much more or less. */
const spread = (random: RandomStream): number => Math.exp(random.normal());

const randomCell = (random: RandomStream, cell: number, bytes: readonly number[], skips: number): PlannedCell => {
  const step = Math.max(1, Math.floor(bytes.length / 2 / (skips + 1)));
  const levelOf = (place: number): number => (place % step === 0 && place / step < skips ? place / step : -1);
  const [stashed, popped] = [levelOf(cell), levelOf(bytes.length - 1 - cell)];
  const first = cell < bytes.length / 2;
  const forward = 4 * spread(random);
  const [backwardInput, backwardWeights] = [forward * random.uniform(0.7, 1.3), forward * random.uniform(0.7, 1.3)];
  const parameters = Math.round(1e6 * spread(random) ** 2);
  const outputBytes = bytes[cell]!;
  return {
    name: `cell.${cell}`,
    ...{ forward, backwardInput, backwardWeights, backward: backwardInput + backwardWeights },
    ...{ parameters, parameterBytes: 4 * parameters, gradientBytes: 4 * parameters, optimizerBytes: 4 * parameters },
    ...{ activationBytes: outputBytes, inputBytes: bytes[cell - 1] ?? outputBytes, outputBytes },
    stashBytes: first && stashed >= 0 ? outputBytes : 0,
    ...(first && stashed >= 0 && { stash: `skip.${stashed}` }),
    ...(!first && popped >= 0 && { pop: `skip.${popped}` }),
    layers: [],
  };
};
