import { formatAction, parseAction } from './action.ts';
import type { Action, Schedule } from './action.ts';

/*
 * A schedule as text, for golden files, for error reports and for schedules that users write themselves:
 *
 *     schedule gpipe
 *     micro-batches 2
 *     placement 0 1                 the worker of stage 0, of stage 1, …
 *     worker 0: 0F0 0F1 0B1 0B0     one line a worker, in order
 *     worker 1: 1F0 1F1 1B1 1B0
 *
 * Empty lines and what follows a # are left out. Reading checks the form alone; validate.ts checks the meaning.
 */

/** A text that is not a schedule: which line (from 1), which word of it, and what should stand there. */
export class ScheduleTextError extends Error {
  override readonly name = 'ScheduleTextError';
  readonly line: number;
  readonly token: string;
  readonly expected: string;

  constructor(line: number, token: string, expected: string, options?: ErrorOptions) {
    super(
      `schedule, line ${line}: ${token ? `"${token}" stands` : 'nothing stands'} where ${expected} is expected`,
      options,
    );
    this.line = line;
    this.token = token;
    this.expected = expected;
  }
}

/** The text form; `parseSchedule` reads it back. */
export const formatSchedule = (schedule: Schedule): string =>
  [
    `schedule ${schedule.name}`,
    `micro-batches ${schedule.microBatches}`,
    `placement ${schedule.placement.join(' ')}`,
    ...schedule.workers.map((actions, worker) => [`worker ${worker}:`, ...actions.map(formatAction)].join(' ')),
    '',
  ].join('\n');

interface Line {
  readonly number: number;
  readonly words: readonly string[];
}

/** The schedule that a text stands for; throws a ScheduleTextError at the first word that does not fit. */
export const parseSchedule = (text: string): Schedule => {
  const lines = linesOf(text);
  const end = { number: text.split('\n').length, words: [] };
  const [nameLine = end, microBatchesLine = end, placementLine = end, ...workerLines] = lines;
  const [name = ''] = heading(nameLine, 'schedule', 'the line `schedule NAME`', 1);
  const [count] = heading(microBatchesLine, 'micro-batches', 'the line `micro-batches COUNT`', 1);
  const microBatches = wholeNumber(microBatchesLine, count);
  const placement = heading(placementLine, 'placement', 'the line `placement WORKER WORKER …`');
  return {
    name,
    microBatches,
    placement: placement.map((word) => wholeNumber(placementLine, word)),
    workers: workerLines.map((line, worker) => actionsOf(line, worker)),
  };
};

const linesOf = (text: string): Line[] =>
  text
    .split('\n')
    .map((line, index) => ({ number: index + 1, words: line.replace(/#.*/, '').split(/\s+/).filter(Boolean) }))
    .filter(({ words }) => words.length > 0);

/** The words behind a heading, of which there are `count`, or at least one. */
const heading = ({ number, words }: Line, word: string, expected: string, count?: number): readonly string[] => {
  const [first = '', ...rest] = words;
  if (first !== word) throw new ScheduleTextError(number, first, expected);
  if (rest.length === 0) throw new ScheduleTextError(number, '', expected);
  if (count !== undefined && rest.length > count)
    throw new ScheduleTextError(number, rest[count] ?? '', 'the end of the line');
  return rest;
};

const wholeNumber = (line: Line, word = ''): number => {
  if (!/^(0|[1-9]\d*)$/.test(word)) throw new ScheduleTextError(line.number, word, 'a whole number');
  return Number(word);
};

const actionsOf = ({ number, words }: Line, worker: number): Action[] => {
  const [first = '', label = '', ...tokens] = words;
  const expected = `the line \`worker ${worker}: ACTION ACTION …\``;
  if (first !== 'worker') throw new ScheduleTextError(number, first, expected);
  if (label !== `${worker}:`) throw new ScheduleTextError(number, label, `\`${worker}:\` (workers in order, from 0)`);
  return tokens.map((token) => {
    try {
      return parseAction(token);
    } catch (cause) {
      throw new ScheduleTextError(number, token, 'an action such as 2F0 (stage, one of F B I W, micro-batch)', {
        cause,
      });
    }
  });
};
