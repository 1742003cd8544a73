import type { Cluster } from './workload.ts';

/** Far above the latency of any link: an affine time that agrees here and at 0 agrees everywhere. */
const manyBytes = 2 ** 40;

export interface TwinQuestion {
  readonly workers: number;
  /** Whether two workers are the same in themselves. */
  readonly alike: (a: number, b: number) => boolean;
  /** What there is to say of the way from one worker to another. */
  readonly ways: readonly ((from: number, to: number) => number)[];
}

/**
 * For each worker the first one that it can be exchanged with, itself where there is none: the same in itself, with the same
 * ways to all others, from all others, and between the two.
 */
export const twinsIn = ({ workers, alike, ways }: TwinQuestion): number[] => {
  const all = Array.from({ length: workers }, (_, worker) => worker);
  const areTwins = (a: number, b: number): boolean =>
    alike(a, b) &&
    ways.every((way) =>
      all.every((other) =>
        other === a || other === b
          ? way(a, b) === way(b, a)
          : way(a, other) === way(b, other) && way(other, a) === way(other, b),
      ),
    );
  const firsts: number[] = [];
  for (const worker of all)
    firsts.push(firsts.find((first, index) => first === index && areTwins(first, worker)) ?? worker);
  return firsts;
};

/** The twins of a cluster. */
export const twinsOf = ({ workers, exchange }: Cluster): number[] =>
  twinsIn({
    workers: workers.length,
    alike: (a, b) => workers[a]!.speed === workers[b]!.speed && workers[a]!.memory === workers[b]!.memory,
    ways: [0, manyBytes].map((bytes) => (from, to) => exchange(from, to, bytes)),
  });

/** Of those workers that can be exchanged for each other the first of each kind. */
export const firstOfTwins = (workers: readonly number[], twins: readonly number[]): number[] =>
  workers.filter((worker, index) => workers.findIndex((other) => twins[other] === twins[worker]) === index);
