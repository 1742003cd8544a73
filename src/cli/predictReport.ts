import { basename } from 'node:path';
import type { PredictEvent } from '../telemetry/predictEvent.ts';
import type { TextOutput } from '../telemetry/reporter.ts';
import { formatTable } from '../telemetry/table.ts';
import { formatDuration } from '../telemetry/units.ts';
import type { PredictedFile, PredictResult } from './services.ts';

/** How often a line tells how far an image is. */
const INTERVAL_SECONDS = 5;
const CLEAR_LINE = '\r\u001b[2K';

/** Shows a prediction while it goes on: JSON lines, or text whose last line counts the windows where a person watches. */
export function predictReporter(
  output: TextOutput,
  { json, clock = () => performance.now() / 1000 }: { json: boolean; clock?: () => number },
): { report(event: PredictEvent): void; stop(): void } {
  if (json) return { report: (event) => void output.write(`${JSON.stringify(event)}\n`), stop: () => {} };
  const live = output.isTTY === true;
  let told = clock();
  let counting = false;
  const stop = (): void => {
    if (counting) output.write(CLEAR_LINE);
    counting = false;
  };
  const count = (text: string): void => {
    if (live) output.write(`${CLEAR_LINE}${text}`);
    else if (clock() - told >= INTERVAL_SECONDS) output.write(`${text}\n`);
    else return;
    counting = live;
    told = clock();
  };
  return {
    report(event) {
      if (event.kind === 'windows') return count(describeProgress(event));
      stop();
      const text = describeEvent(event);
      if (text !== undefined) output.write(`${text}\n`);
    },
    stop,
  };
}

const describeProgress = ({ input, done, all }: Extract<PredictEvent, { kind: 'windows' }>): string =>
  `${basename(input)}: ${done} of ${all}`;

function describeEvent(event: Exclude<PredictEvent, { kind: 'windows' }>): string | undefined {
  switch (event.kind) {
    case 'file':
      return event.files === 1 ? undefined : `${event.number}/${event.files} ${basename(event.input)}`;
    case 'skipped':
      return `skipped: ${event.output} is there (--force makes it again)`;
    case 'failed':
      return `failed: ${event.error}`;
    case 'saved':
      return `saved ${event.what}: ${event.path}`;
    case 'note':
      return event.text;
  }
}

/** What came out: the classes of one image, or how it went with each of several; what failed stands last. */
export function describePrediction({ files, seconds }: PredictResult): string {
  const [first] = files;
  if (files.length === 1 && first?.status === 'done') return describeClasses(first);
  const of = (status: PredictedFile['status']): PredictedFile[] => files.filter((file) => file.status === status);
  const counts = (['done', 'skipped', 'failed'] as const).map((status) => `${of(status).length} ${status}`);
  const failures = files.flatMap((file) => (file.status === 'failed' ? [`  ${namedError(file)}\n`] : []));
  const told = failures.length === 0 ? '' : `\nnot segmented:\n${failures.join('')}`;
  return `\n${counts.join(', ')} in ${formatDuration(seconds)}\n${told}`;
}

/** Most errors begin with the file that they are about. */
const namedError = ({ input, error }: Extract<PredictedFile, { status: 'failed' }>): string =>
  error.startsWith(input) ? error : `${input}: ${error}`;

function describeClasses({ size, classes, seconds, output }: Extract<PredictedFile, { status: 'done' }>): string {
  const all = size.reduce((product, n) => product * n, 1);
  const rows = Object.entries(classes).map(([name, voxels]) => [
    name,
    voxels.toLocaleString('en-US'),
    `${((100 * voxels) / all).toFixed(2)}%`,
  ]);
  const columns = [{ title: 'class' }, { title: 'voxels', align: 'right' }, { align: 'right' }] as const;
  return `${formatTable(columns, rows)}\n\n${size.join(' × ')} voxels in ${formatDuration(seconds)}: ${output}\n`;
}
