import fc from 'fast-check';
import { expect, it } from 'vitest';
import { gatherRounds, reduceRounds, ringChunks, type RingRound } from '../../src/pipeline/ring.ts';

const replicasOf = fc.integer({ min: 1, max: 9 });

/** Plays all replicas at once; whoever adds says in which order. */
function play<T>(
  rounds: readonly (readonly RingRound[])[],
  start: readonly (readonly T[])[],
  add: (partial: T, own: T) => T,
): T[][] {
  const held = start.map((chunks) => [...chunks]);
  for (let round = 0; round < rounds[0]!.length; round++) {
    const sent = rounds.map((own, replica) => held[replica]![own[round]!.sends]!);
    for (const [replica, own] of rounds.entries()) {
      const { receives, adds } = own[round]!;
      const before = (replica + rounds.length - 1) % rounds.length;
      // Both ends agree on what goes between them.
      expect(receives).toBe(rounds[before]![round]!.sends);
      const came = sent[before]!;
      held[replica]![receives] = adds ? add(came, held[replica]![receives]!) : came;
    }
  }
  return held;
}

it('every replica ends with the sum of all, each chunk added in one order, whatever the length', () => {
  fc.assert(
    fc.property(replicasOf, fc.integer({ min: 0, max: 40 }), (replicas, length) => {
      const all = Array.from({ length: replicas }, (_, replica) => replica);
      const chunks = ringChunks(replicas, length);
      // Which replica's value each element is, so that the order of every sum can be read.
      const start = all.map((replica) =>
        chunks.map(({ begin, end }) => Array.from({ length: end - begin }, () => [replica])),
      );
      const rounds = all.map((replica) => reduceRounds(replicas, replica));
      const held = play(rounds, start, (partial, own) => own.map((value, i) => [...partial[i]!, ...value]));
      for (const chunk of all) {
        const order = all.map((_, i) => (chunk + i) % replicas);
        for (const replica of all) for (const value of held[replica]![chunk]!) expect(value).toEqual(order);
      }
    }),
  );
});

it('chunks lie behind one another, cover all values, and differ by one at most', () => {
  fc.assert(
    fc.property(replicasOf, fc.integer({ min: 0, max: 1000 }), (replicas, length) => {
      const chunks = ringChunks(replicas, length);
      expect(chunks.map(({ begin }) => begin)).toEqual([0, ...chunks.slice(0, -1).map(({ end }) => end)]);
      expect(chunks.at(-1)!.end).toBe(length);
      const sizes = chunks.map(({ begin, end }) => end - begin);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});

it('every replica ends with what each of them had', () => {
  fc.assert(
    fc.property(replicasOf, (replicas) => {
      const all = Array.from({ length: replicas }, (_, replica) => replica);
      const start = all.map((replica) => all.map((chunk) => (chunk === replica ? `of ${chunk}` : 'nothing')));
      const rounds = all.map((replica) => gatherRounds(replicas, replica));
      const held = play(rounds, start, (partial) => partial);
      for (const replica of all) expect(held[replica]).toEqual(all.map((chunk) => `of ${chunk}`));
    }),
  );
});

it('in each round goes what came in the round before: no replica sends what it has not got', () => {
  fc.assert(
    fc.property(replicasOf, fc.nat(8), (replicas, place) => {
      const rounds = reduceRounds(replicas, place % replicas);
      expect(rounds).toHaveLength(2 * (replicas - 1));
      for (const [i, { sends }] of rounds.entries()) if (i > 0) expect(sends).toBe(rounds[i - 1]!.receives);
    }),
  );
});
