/*
 * The routes of skips: which stage stashes each one and which stage pops it. A static layout, as torchgpipe's, checked whole
 * before anything runs: every fault is collected, then all are thrown at once.
 */

/** What routes need to know of a cell. `pop` joins its input, `stash` leaves with its output. */
export interface SkipCell {
  readonly name: string;
  readonly pop?: string;
  readonly stash?: string;
}

/** What routes need to know of a partition: the cells of every stage, from `start` up to but without `end`. */
export interface StageCells {
  readonly stages: readonly { readonly start: number; readonly end: number }[];
}

/**
 * A way that a skip takes from one stage to another, past all that lie between: from the stage that stashes it to the one
 * that pops it. A skip that is threaded has one from each stage to the next instead, and travels beside the activations:
 *
 *     portal     0 ─────────────▶ 3
 *     threaded   0 ─▶ 1 ─▶ 2 ─▶ 3
 *
 * `local`: it never leaves its stage.
 */
export interface Portal {
  readonly skip: string;
  readonly from: number;
  readonly to: number;
  readonly local: boolean;
}

export interface Routes {
  readonly stages: number;
  /** In the order in which the skips are stashed. */
  readonly portals: readonly Portal[];
}

/** One thing that is wrong with the skips of a list of cells; `cells` names those that are concerned. */
export interface SkipFault {
  readonly kind:
    | 'stashed twice'
    | 'popped twice'
    | 'never popped'
    | 'never stashed'
    | 'popped too early'
    | 'in no stage';
  readonly skip: string;
  readonly cells: readonly string[];
}

/** Skips that do not pair up: every one must be stashed by one cell and popped by one later cell. */
export class SkipLayoutError extends Error {
  override readonly name = 'SkipLayoutError';
  readonly faults: readonly SkipFault[];

  constructor(faults: readonly SkipFault[]) {
    super(
      [
        `the skips do not fit (${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}):`,
        ...faults.map((fault) => `  ${describe(fault)}`),
        'each skip has to be stashed by one cell and popped by one later cell, and both have to lie in a stage',
      ].join('\n'),
    );
    this.faults = faults;
  }
}

const describe = ({ kind, skip, cells }: SkipFault): string => `skip ${skip} is ${kind}: ${cells.join(', ')}`;

interface Ends {
  readonly stashedBy: number[];
  readonly poppedBy: number[];
}

/** The ways of all skips under a partition, those named `threaded` through every stage; throws a SkipLayoutError that names every fault. */
export const routesOf = (
  cells: readonly SkipCell[],
  partition: StageCells,
  threaded: readonly string[] = [],
): Routes => {
  const skips = endsOf(cells);
  const stageOf = (cell: number): number => partition.stages.findIndex(({ start, end }) => start <= cell && cell < end);
  const faults: SkipFault[] = [];
  const portals: Portal[] = [];
  for (const [skip, ends] of skips) {
    const found = faultsOf(skip, ends, cells);
    const [from = -1, to = -1] = [...ends.stashedBy, ...ends.poppedBy].map(stageOf);
    if (found.length > 0) faults.push(...found);
    else if (from < 0 || to < 0)
      faults.push({ kind: 'in no stage', skip, cells: named(cells, [...ends.stashedBy, ...ends.poppedBy]) });
    else if (from < to && threaded.includes(skip)) portals.push(...threadOf(skip, from, to));
    else portals.push({ skip, from, to, local: from === to });
  }
  if (faults.length > 0) throw new SkipLayoutError(faults);
  return { stages: partition.stages.length, portals };
};

const threadOf = (skip: string, from: number, to: number): Portal[] =>
  Array.from({ length: to - from }, (_, hop) => ({ skip, from: from + hop, to: from + hop + 1, local: false }));

/** Which cells stash and pop each skip, in the order of the cells. */
const endsOf = (cells: readonly SkipCell[]): Map<string, Ends> => {
  const skips = new Map<string, Ends>();
  const endsFor = (skip: string): Ends => {
    const ends = skips.get(skip) ?? { stashedBy: [], poppedBy: [] };
    skips.set(skip, ends);
    return ends;
  };
  for (const [index, { pop, stash }] of cells.entries()) {
    if (pop !== undefined) endsFor(pop).poppedBy.push(index);
    if (stash !== undefined) endsFor(stash).stashedBy.push(index);
  }
  return skips;
};

const faultsOf = (skip: string, { stashedBy, poppedBy }: Ends, cells: readonly SkipCell[]): SkipFault[] => {
  const faults: SkipFault[] = [];
  const report = (kind: SkipFault['kind'], places: readonly number[]): void => {
    faults.push({ kind, skip, cells: named(cells, places) });
  };
  if (stashedBy.length > 1) report('stashed twice', stashedBy);
  if (poppedBy.length > 1) report('popped twice', poppedBy);
  if (stashedBy.length === 0) report('never stashed', poppedBy);
  if (poppedBy.length === 0) report('never popped', stashedBy);
  const early = poppedBy.filter((cell) => stashedBy.length > 0 && cell <= Math.min(...stashedBy));
  if (early.length > 0) report('popped too early', [...early, ...stashedBy]);
  return faults;
};

/** `stem (cell 0)`. */
const named = (cells: readonly SkipCell[], places: readonly number[]): string[] =>
  places.map((place) => `${cells[place]?.name} (cell ${place})`);
