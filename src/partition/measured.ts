import { linkKey } from '../pipeline/messages.ts';
import type { Machine, MachineLink } from '../pipeline/stageCost.ts';
import type { CellFootprint, CellTimes } from './cellCost.ts';
import { unmeasuredLoss } from './modelCost.ts';
import type { ModelCost } from './modelCost.ts';
import type { Profile } from './profile.ts';
import { median } from './spread.ts';

/*
 * What was measured, in the form that plans are made from.
 */

/** A link is told apart from the others where its bandwidth or latency is so many times theirs. */
const odd = 2;

/** The workers that were measured, and the links between them. @param memory bytes that each worker may hold */
export const measuredMachine = ({ workers, links }: Profile, memory: readonly number[]): Machine => {
  const usual = linkOf(links);
  return {
    workers: workers.map(({ speed }, worker) => ({
      ...{ speed, memory: memory[worker] ?? Infinity },
      copyBytesPerMs: usual.copyBytesPerMs,
    })),
    link: { latency: usual.latency, bytesPerMs: usual.bytesPerMs },
    links: Object.fromEntries(
      links
        .filter(isOdd(usual))
        .map(({ from, to, latency, bytes_per_ms: bytesPerMs }) => [
          linkKey({ fromWorker: from, toWorker: to }),
          { latency, bytesPerMs },
        ]),
    ),
  };
};

const linkOf = (links: Profile['links']): MachineLink & { readonly copyBytesPerMs: number } =>
  links.length === 0
    ? { latency: 0, bytesPerMs: Infinity, copyBytesPerMs: Infinity }
    : {
        latency: median(links.map(({ latency }) => latency)),
        bytesPerMs: median(links.map(({ bytes_per_ms }) => bytes_per_ms)),
        copyBytesPerMs: median(links.map(({ copy_bytes_per_ms }) => copy_bytes_per_ms)),
      };

const isOdd =
  (usual: MachineLink) =>
  ({ latency, bytes_per_ms }: Profile['links'][number]): boolean =>
    far(bytes_per_ms, usual.bytesPerMs) || (far(latency, usual.latency) && Math.max(latency, usual.latency) > 1);

const far = (a: number, b: number): boolean => Math.max(a, b) > odd * Math.min(a, b);

/**
 * What a model costs for micro-batches of `samples`: as measured with so many, else on the straight line through the two sizes
 * that were measured (or through nothing at all, where it was one).
 *
 * @param profiles one or two of the same model, for different numbers of samples
 * @param cells counted for micro-batches of `samples`
 */
export const measuredCost = (
  profiles: readonly Profile[],
  cells: readonly CellFootprint[],
  samples: number,
): ModelCost => {
  const [one, other] = profiles as [Profile, Profile?];
  const at = (figure: (profile: Profile) => number): number => {
    const [size, value] = [samplesOf(one), figure(one)];
    if (samples === size) return value;
    const slope = other ? (figure(other) - value) / (samplesOf(other) - size) : value / size;
    return Math.max(0, value + (samples - size) * slope);
  };
  return {
    cells: cells.map((cell, index) => ({ ...cell, ...timesAt(index, at) })),
    loss: { ...unmeasuredLoss(cells), milliseconds: at((profile) => profile.loss_milliseconds) },
    updatePerMillion: one.update_per_million,
  };
};

/** Samples of the micro-batch that it holds for. */
export const samplesOf = ({ input_shape: [batch = 1] }: Profile): number => batch;

const timesAt = (cell: number, at: (figure: (profile: Profile) => number) => number): CellTimes => ({
  forward: at(({ cells }) => cells[cell]!.forward),
  backward: at(({ cells }) => cells[cell]!.backward),
  backwardInput: at(({ cells }) => cells[cell]!.backward_input),
  backwardWeights: at(({ cells }) => cells[cell]!.backward_weights),
});
