import pc from 'picocolors';
import { parseAction } from '../pipeline/action.ts';
import type { ActionKind } from '../pipeline/action.ts';
import type { Timeline, TimelineSpan } from '../pipeline/timeline.ts';
import { timeShares } from './timeline.ts';
import { formatShare } from './units.ts';

export interface GanttOptions {
  /** Columns of the terminal. */
  readonly columns: number;
  /** Whether actions are told apart by colour; as the environment says (NO_COLOR, a pipe) unless given. */
  readonly colours?: boolean;
}

interface Look {
  readonly name: string;
  readonly fill: string;
  readonly colour: 'bgBlue' | 'bgGreen' | 'bgCyan' | 'bgMagenta';
}

const looks = {
  F: { name: 'forward', fill: '░', colour: 'bgBlue' },
  B: { name: 'backward', fill: '█', colour: 'bgGreen' },
  I: { name: 'input gradient', fill: '▓', colour: 'bgCyan' },
  W: { name: 'weight gradient', fill: '▒', colour: 'bgMagenta' },
} as const satisfies Record<ActionKind, Look>;

const least = 20;

/**
 * A timeline for a terminal, a row a worker:
 *
 *     worker 0 │F0░F1░F2░      B0███F3░B1███  B2███│ bubble 18%
 *     worker 1 │   F0░B0███F1░B1███F2░B2███        │ bubble 24%
 *               0 ms                         71.3 ms
 *
 * An action has its letter and micro-batch where there is room (and its stage, where a worker has several), then the letter,
 * then nothing; what is too short for half a column is left out.
 */
export const formatGantt = (timeline: Timeline, { columns, colours = pc.isColorSupported }: GanttOptions): string => {
  const labels = timeline.workers.map((_, worker) => `worker ${worker}`);
  const bubbles = timeShares(timeline).map(({ bubble }) => ` bubble ${formatShare(bubble)}`);
  const margin = Math.max(0, ...labels.map(({ length }) => length)) + 1;
  const width = Math.max(least, columns - margin - 2 - Math.max(0, ...bubbles.map(({ length }) => length)));
  const rows = timeline.workers.map((spans, worker) => {
    const row = formatRow(spans, { width, duration: timeline.duration, colours });
    return `${(labels[worker] ?? '').padEnd(margin)}│${row}│${bubbles[worker]}`;
  });
  return [...rows, `${' '.repeat(margin + 1)}${axis(timeline.duration, width)}`, legend(timeline, colours)].join('\n');
};

interface RowLayout {
  readonly width: number;
  readonly duration: number;
  readonly colours: boolean;
}

const formatRow = (spans: readonly TimelineSpan[], { width, duration, colours }: RowLayout): string => {
  const columnOf = (time: number): number => (duration > 0 ? Math.round((time / duration) * width) : 0);
  const several = new Set(spans.map(({ action }) => parseAction(action).stage)).size > 1;
  let [row, column] = ['', 0];
  for (const { action, waited, end } of spans) {
    const [from, to] = [columnOf(waited), columnOf(end)];
    row += ' '.repeat(Math.max(0, from - column)) + formatSlice(action, to - from, { several, colours });
    column = Math.max(column, to);
  }
  return row + ' '.repeat(Math.max(0, width - column));
};

const formatSlice = (
  action: string,
  width: number,
  { several, colours }: { several: boolean; colours: boolean },
): string => {
  if (width <= 0) return '';
  const { kind, microBatch } = parseAction(action);
  const texts = [...(several ? [action] : []), `${kind}${microBatch}`, kind];
  const text = texts.find(({ length }) => length <= width) ?? '';
  if (!colours) return text.padEnd(width, looks[kind].fill);
  const colour = pc.createColors(true);
  return colour[looks[kind].colour](colour.black(text.padEnd(width)));
};

const axis = (duration: number, width: number): string => {
  const end = `${duration >= 100 ? duration.toFixed(0) : duration.toPrecision(3)} ms`;
  return `0 ms${end.padStart(Math.max(end.length + 1, width - '0 ms'.length))}`;
};

const legend = ({ workers }: Timeline, colours: boolean): string => {
  const kinds = new Set(workers.flatMap((spans) => spans.map(({ action }) => parseAction(action).kind)));
  return (Object.keys(looks) as ActionKind[])
    .filter((kind) => kinds.has(kind))
    .map(
      (kind) =>
        `${formatSlice(`0${kind}0`, 1, { several: false, colours })}${colours ? '' : looks[kind].fill} ${looks[kind].name}`,
    )
    .join('  ');
};
