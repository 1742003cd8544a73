/** What one replica does in one round of a ring: a chunk goes to the next replica, and another comes from the one before. */
export interface RingRound {
  /** Which chunk goes, and which comes. */
  readonly sends: number;
  readonly receives: number;
  /** Whether what comes is a part of a sum, to which this replica's own is added; else it is complete. */
  readonly adds: boolean;
}

/** Values [begin, end). */
export interface Chunk {
  readonly begin: number;
  readonly end: number;
}

/**
 * The sum of all replicas' values at every replica, 2 (R − 1) rounds for R replicas and chunks (Patarasuk and Yuan, Bandwidth
 * optimal all-reduce algorithms, 2009). Each sends and receives 2 (R − 1) / R of the values, however many they are.
 *
 *                 round 0      round 1      round 2      round 3          chunk c is summed from replica c on, in the order of
 *     replica 0   sends 0      adds 2, it   sends 1      sends 0          the ring; the one that adds last sends it round. So
 *     replica 1   sends 1      adds 0, it   sends 2      sends 1          all have the same bits, whoever is faster.
 *     replica 2   sends 2      adds 1, it   sends 0      sends 2
 *                 └─────── partial sums ┘   └────── complete ────┘
 */
export const reduceRounds = (replicas: number, replica: number): RingRound[] => [
  ...roundsFrom(replicas, replica, true),
  ...roundsFrom(replicas, replica + 1, false),
];

/** The chunk of every replica at all of them, R − 1 rounds: chunk r is replica r's. */
export const gatherRounds = (replicas: number, replica: number): RingRound[] => roundsFrom(replicas, replica, false);

/** In each round goes what came in the round before, beginning with chunk `first`. */
const roundsFrom = (replicas: number, first: number, adds: boolean): RingRound[] =>
  Array.from({ length: replicas - 1 }, (_, round) => ({
    sends: modulo(first - round, replicas),
    receives: modulo(first - round - 1, replicas),
    adds,
  }));

/** As even a cut of `length` values into a chunk for each replica as there is; where there are fewer values, some are empty. */
export const ringChunks = (replicas: number, length: number): Chunk[] =>
  Array.from({ length: replicas }, (_, chunk) => ({
    begin: Math.floor((chunk * length) / replicas),
    end: Math.floor(((chunk + 1) * length) / replicas),
  }));

const modulo = (value: number, by: number): number => ((value % by) + by) % by;
