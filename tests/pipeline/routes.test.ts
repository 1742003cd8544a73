import { describe, expect, it } from 'vitest';
import { routesOf, SkipLayoutError } from '../../src/pipeline/routes.ts';
import type { SkipCell, StageCells } from '../../src/pipeline/routes.ts';
import { unetCells } from './skipNets.ts';

const wholeIn = (cells: readonly SkipCell[]): StageCells => ({ stages: [{ start: 0, end: cells.length }] });

/** Every way to cut so many cells into consecutive stages. */
function* everyCut(cells: number): Generator<StageCells> {
  for (let mask = 0; mask < 2 ** (cells - 1); mask += 1) {
    const ends = Array.from({ length: cells }, (_, cell) => cell + 1).filter(
      (end) => end === cells || (mask & (1 << (end - 1))) !== 0,
    );
    yield { stages: ends.map((end, stage) => ({ start: stage === 0 ? 0 : (ends[stage - 1] as number), end })) };
  }
}

const faultsOf = (cells: readonly SkipCell[]): readonly { kind: string; skip: string; cells: readonly string[] }[] => {
  try {
    routesOf(cells, wholeIn(cells));
  } catch (error) {
    if (error instanceof SkipLayoutError) return error.faults;
    throw error;
  }
  return [];
};

describe('the routes of skips', () => {
  it.each([
    [1, 1],
    [2, 1],
    [2, 2],
    [4, 1],
    [3, 2],
  ])(
    'lead from the stage that stashes to the stage that pops, in every cut of a U-Net (depth %i, %i)',
    (depth, parts) => {
      const cells = unetCells(depth, parts);
      for (const cut of everyCut(cells.length)) {
        const stageOf = (cell: number): number => cut.stages.findIndex(({ start, end }) => start <= cell && cell < end);
        const expected = cells.flatMap(({ stash }, cell) => {
          if (stash === undefined) return [];
          const from = stageOf(cell);
          const to = stageOf(cells.findIndex(({ pop }) => pop === stash));
          return [{ skip: stash, from, to, local: from === to }];
        });
        const routes = routesOf(cells, cut);
        expect(routes).toEqual({ stages: cut.stages.length, portals: expected });
        expect(routes.portals.every(({ from, to }) => from <= to)).toBe(true);
        expect(routes.portals.length).toBe(depth);
      }
    },
  );

  it('are none where no cell has a skip', () => {
    expect(routesOf([{ name: 'a' }, { name: 'b' }], { stages: [{ start: 0, end: 2 }] }).portals).toEqual([]);
  });

  it.each<[string, SkipCell[], object[]]>([
    [
      'never popped',
      [{ name: 'a', stash: 's' }, { name: 'b' }],
      [{ kind: 'never popped', skip: 's', cells: ['a (cell 0)'] }],
    ],
    [
      'never stashed',
      [{ name: 'a' }, { name: 'b', pop: 's' }],
      [{ kind: 'never stashed', skip: 's', cells: ['b (cell 1)'] }],
    ],
    [
      'popped twice',
      [
        { name: 'a', stash: 's' },
        { name: 'b', pop: 's' },
        { name: 'c', pop: 's' },
      ],
      [{ kind: 'popped twice', skip: 's', cells: ['b (cell 1)', 'c (cell 2)'] }],
    ],
    [
      'stashed twice',
      [
        { name: 'a', stash: 's' },
        { name: 'b', stash: 's' },
        { name: 'c', pop: 's' },
      ],
      [{ kind: 'stashed twice', skip: 's', cells: ['a (cell 0)', 'b (cell 1)'] }],
    ],
    [
      'popped too early',
      [
        { name: 'a', pop: 's' },
        { name: 'b', stash: 's' },
      ],
      [{ kind: 'popped too early', skip: 's', cells: ['a (cell 0)', 'b (cell 1)'] }],
    ],
    [
      'popped too early, by the cell that stashes it',
      [{ name: 'a', pop: 's', stash: 's' }],
      [{ kind: 'popped too early', skip: 's', cells: ['a (cell 0)', 'a (cell 0)'] }],
    ],
  ])('are refused where a skip is %s', (_, cells, faults) => {
    expect(faultsOf(cells)).toEqual(faults);
  });

  it('are refused with every fault at once', () => {
    const cells = [{ name: 'a', stash: 'one' }, { name: 'b', pop: 'two' }, { name: 'c' }];
    expect(faultsOf(cells).map(({ skip, kind }) => `${skip} ${kind}`)).toEqual([
      'one never popped',
      'two never stashed',
    ]);
    expect(() => routesOf(cells, wholeIn(cells))).toThrow(/2 faults[^]*one[^]*two/);
  });

  it('are refused where a cell with a skip lies in no stage', () => {
    const cells = [
      { name: 'a', stash: 's' },
      { name: 'b', pop: 's' },
    ];
    expect(() => routesOf(cells, { stages: [{ start: 0, end: 1 }] })).toThrow(/skip s is in no stage/);
  });
});
