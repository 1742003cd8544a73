import type { Cluster } from './workload.ts';

/** Far above the latency of any link: an affine time that agrees here and at 0 agrees everywhere. */
const manyBytes = 2 ** 40;

/**
 * For each worker the first one that it can be exchanged with, itself where there is none: as fast, as large, with the same
 * links to all others and between the two.
 */
export const twinsOf = (cluster: Cluster): number[] => {
  const firsts: number[] = [];
  for (const worker of cluster.workers.keys()) {
    const twin = firsts.find((first, index) => first === index && areTwins(cluster, first, worker));
    firsts.push(twin ?? worker);
  }
  return firsts;
};

const areTwins = ({ workers, exchange }: Cluster, a: number, b: number): boolean => {
  const [first, second] = [workers[a]!, workers[b]!];
  if (first.speed !== second.speed || first.memory !== second.memory) return false;
  const alike = (bytes: number): boolean =>
    exchange(a, b, bytes) === exchange(b, a, bytes) &&
    workers.every(
      (_, other) =>
        other === a ||
        other === b ||
        (exchange(a, other, bytes) === exchange(b, other, bytes) &&
          exchange(other, a, bytes) === exchange(other, b, bytes)),
    );
  return alike(0) && alike(manyBytes);
};
