import { bubbleOf } from './bubble.ts';
import { unitDurations } from './durations.ts';
import { peakActivations } from './activations.ts';
import { scheduleNames, schedules } from './schedules.ts';
import type { ScheduleName } from './schedules.ts';
import { formatTable } from './table.ts';

/*
 * Pictures of schedules in a page. A comment in the Markdown says which one stands in the code block behind it:
 *
 *     <!-- schedule: zb_v, 3 workers, 5 micro-batches -->         the table, in units: F = I = W = 1, B = 2
 *     <!-- schedule: interleaved_1f1b, 3 workers of 2 stages, 3 micro-batches -->
 *     <!-- bubbles: 4 workers, 8 micro-batches -->                every training schedule's step, bubble and memory
 */

const marked = /<!-- (schedule|bubbles): (.*?) -->\n(?:\n```text\n[\s\S]*?```\n)?/g;

/** The page with every picture as the code draws it now. */
export const withPictures = (page: string): string =>
  page.replaceAll(marked, (_, kind: string, words: string) => {
    const picture = kind === 'bubbles' ? bubbleTable(sizeIn(words)) : schedulePicture(words);
    return `<!-- ${kind}: ${words} -->\n\n\`\`\`text\n${picture}\n\`\`\`\n`;
  });

/** A picture that a page asks for in words that we do not know. */
export class PictureError extends Error {
  override readonly name = 'PictureError';

  constructor(words: string) {
    super(
      `"${words}" names no picture; write "NAME, K workers, M micro-batches" or "NAME, K workers of N stages, M …"`,
    );
  }
}

interface Size {
  readonly workers: number;
  readonly stagesPerWorker: number | undefined;
  readonly microBatches: number;
}

const sizeIn = (words: string): Size => {
  const [, workers, stages, microBatches] = /(\d+) workers?(?: of (\d+) stages)?, (\d+) micro-batch/.exec(words) ?? [];
  if (!workers || !microBatches) throw new PictureError(words);
  return {
    workers: Number(workers),
    stagesPerWorker: stages === undefined ? undefined : Number(stages),
    microBatches: Number(microBatches),
  };
};

const schedulePicture = (words: string): string => {
  const name = scheduleNames.find((each) => words.startsWith(`${each},`));
  if (!name) throw new PictureError(words);
  return formatTable(generated(name, sizeIn(words)), undefined, unitDurations);
};

const generated = (name: ScheduleName, { workers, stagesPerWorker, microBatches }: Size) => {
  const family = schedules[name];
  const perWorker = stagesPerWorker ?? (family.stagesPerWorker === 'any' ? 1 : family.stagesPerWorker);
  const placement = family.placement(workers, perWorker);
  return family.generate({ stages: placement.length, microBatches, placement });
};

/** In units of a whole worker's forward pass for a micro-batch, however many stages that is. */
const bubbleTable = ({ workers, microBatches }: Size): string => {
  const names = scheduleNames.filter((name) => schedules[name].passes === 'training');
  const rows = names
    .flatMap((name): { name: ScheduleName; stages: number | undefined }[] =>
      name === 'interleaved_1f1b' ? [2, 3].map((stages) => ({ name, stages })) : [{ name, stages: undefined }],
    )
    .map(({ name, stages }) => {
      const schedule = generated(name, { workers, stagesPerWorker: stages, microBatches });
      const perWorker = schedule.placement.length / workers;
      const { duration, idle, between } = bubbleOf(schedule, unitDurations);
      const peaks = peakActivations(schedule).workers.map((live) => live / perWorker);
      return [
        stages === undefined ? name : `${name}, ${stages} stages`,
        figure(duration / perWorker),
        figure(Math.max(...idle) / perWorker),
        figure(Math.max(...between) / perWorker),
        `${((100 * Math.max(...idle)) / duration).toFixed(1)}%`,
        figure(Math.max(...peaks)),
        figure(Math.min(...peaks)),
      ];
    });
  return columns([['schedule', 'step', 'bubble', 'between', 'of the step', 'most alive', 'least'], ...rows]);
};

const figure = (value: number): string => value.toFixed(2).replace(/\.?0+$/, '');

const columns = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
};
