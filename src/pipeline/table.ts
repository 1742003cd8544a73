import { formatAction } from './action.ts';
import type { Action, Schedule } from './action.ts';
import { clockTimes } from './clock.ts';
import { oneTick } from './durations.ts';
import type { Durations } from './durations.ts';

/** What a table points at: actions in brackets, and those that are missing at the end of their worker's row. */
export interface TableMarks {
  readonly places: readonly { readonly worker: number; readonly position: number }[];
  readonly missing: readonly { readonly worker: number; readonly action: Action }[];
}

const nothingMarked: TableMarks = { places: [], missing: [] };

/** Columns of a table before and behind the first mark, where the whole is wider than that. */
const reach = 16;

interface Grid {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly firstMark: number;
}

/**
 * A schedule as a table: a row a worker, a column a tick of the clock, as in the picture of the GPipe paper.
 *
 *     clock     0    1    2    3    4    5
 *     worker 0  0F0  0F1  .    .    0B1  0B0
 *     worker 1  .    1F0  1F1  1B1  1B0  .
 *
 * Where actions take several ticks (`durations`, whole numbers), = stands under those behind the first.
 * What can never run stands behind the last tick, under question marks. A wide table is cut to what surrounds the first mark.
 */
export const formatTable = (schedule: Schedule, marks?: TableMarks, durations: Durations = oneTick): string => {
  const { headings, rows, firstMark } = gridOf(schedule, marks ?? nothingMarked, durations);
  const from = marks && headings.length > 2 * reach ? Math.max(0, firstMark - reach) : 0;
  const to = marks ? from + 2 * reach : headings.length;
  const label = (text: string): string => text.padEnd(`worker ${rows.length}`.length);
  const lines = [
    [label('clock'), ...cut(headings, from, to)],
    ...rows.map((row, worker) => [label(`worker ${worker}`), ...cut(row, from, to)]),
  ];
  const width = Math.max(...lines.flatMap(([, ...cells]) => cells.map((cell) => cell.length)), 0);
  return lines
    .map((cells) =>
      cells
        .map((cell) => cell.padEnd(width))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

const cut = (cells: readonly string[], from: number, to: number): string[] => [
  ...(from > 0 ? ['…'] : []),
  ...cells.slice(from, to),
  ...(to < cells.length ? ['…'] : []),
];

const gridOf = (schedule: Schedule, { places, missing }: TableMarks, durations: Durations): Grid => {
  const times = clockTimes(schedule, durations);
  const reached = Math.max(0, ...times.flat().map((span) => span?.end ?? 0));
  const marked = new Set(places.map(({ worker, position }) => `${worker}:${position}`));
  const cells = schedule.workers.map((actions, worker) => {
    const row: string[] = [];
    for (const [position, action] of actions.entries()) {
      const text = formatAction(action);
      const { begin, end } = times[worker]?.[position] ?? { begin: Math.max(reached, row.length), end: 0 };
      row[begin] = marked.has(`${worker}:${position}`) ? `[${text}]` : text;
      for (let column = begin + 1; column < end; column += 1) row[column] = '=';
    }
    for (const { action } of missing.filter((gap) => gap.worker === worker))
      row[Math.max(reached, row.length)] = `[${formatAction(action)}?]`;
    return row;
  });
  const columns = Math.max(reached, ...cells.map((row) => row.length));
  const rows = cells.map((row) => Array.from({ length: columns }, (_, column) => row[column] ?? '.'));
  const firstMarks = rows.map((row) => row.findIndex((cell) => cell.startsWith('['))).filter((column) => column >= 0);
  return {
    headings: Array.from({ length: columns }, (_, column) => (column < reached ? `${column}` : '?')),
    rows,
    firstMark: firstMarks.length > 0 ? Math.min(...firstMarks) : 0,
  };
};
