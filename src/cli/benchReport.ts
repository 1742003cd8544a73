import { describeSubject } from '../coordinator/bench/subject.ts';
import type { MeasuredSeries, ThroughputPlot, ThroughputSeries } from '../telemetry/plot/throughput.ts';
import { formatTable } from '../telemetry/table.ts';
import { formatCount, formatShare } from '../telemetry/units.ts';
import type { BenchEvent, BenchFigures, BenchResult } from './services.ts';

/** One line about what goes on. */
export function describeBenchEvent(event: BenchEvent): string {
  switch (event.kind) {
    case 'planned':
      return [...event.leftOut.map(describeLeftOut), `${event.subjects.length} to measure`].join('\n');
    case 'measured':
      return `round ${event.round}/${event.rounds}  ${describeSubject(event.subject)}  ${event.seconds.toFixed(3)} s a step${disturbed(event.disturbance)}`;
    case 'failed':
      return `failed: ${describeSubject(event.subject)}: ${event.why}`;
  }
}

const describeLeftOut = ({ subject, why }: BenchResult['leftOut'][number]): string =>
  `left out: ${describeSubject(subject)}: ${why}`;

/** Told where it is more than a little. */
const disturbed = (share: number | undefined): string =>
  share !== undefined && share > 0.05 ? ` (others took ${formatShare(share)} of the machine)` : '';

/** The whole result as a table, with what it was measured on. */
export function describeBench(result: BenchResult): string {
  const { machine, shape, threads, rounds, figures, leftOut } = result;
  const [samples, ...size] = shape;
  const columns = [
    { title: 'workers', align: 'right' },
    { title: 'micro-batches', align: 'right' },
    { title: 'schedule' },
    ...[
      'samples/s',
      'Mvoxels/s',
      'step (quartiles)',
      'speed-up',
      'efficiency',
      'bubble',
      'predicted',
      'peak of each',
      'sent',
      'steps',
      'others',
    ].map((title) => ({ title, align: 'right' as const })),
  ] as const;
  const about = [
    `${result.run}: ${samples} samples of ${size.slice(0, -1).join(' × ')} a step, ${formatCount(threads, 'thread')} a worker,`,
    `median of ${rounds} interleaved rounds`,
  ].join(' ');
  return [
    about,
    `${result.date}, ${machine.device}, ${machine.cores} cores${machine.gpus > 0 ? `, ${machine.gpus} GPUs` : ''}, ${gibibytes(machine.memory)}`,
    '',
    formatTable(columns, figures.map(rowOf)),
    '',
    'speed-up: over one worker. efficiency: of as many independent workers side by side, which send nothing.',
    'bubble: the mean part of the step in which a worker waits; predicted by the simulator from profiles.',
    'steps: those that count; others: the most of the machine that other processes took in one of them.',
    ...leftOut.map(describeLeftOut),
  ].join('\n');
}

function rowOf(figures: BenchFigures): string[] {
  const { subject, stepSeconds, bubble, peaks } = figures;
  const piped = subject.kind === 'pipeline';
  return [
    String(subject.workers),
    String(subject.microBatches),
    piped ? subject.schedule : subject.workers === 1 ? 'one worker' : 'independent',
    figures.samplesPerSecond.toFixed(2),
    (figures.voxelsPerSecond / 1e6).toFixed(2),
    `${stepSeconds.median.toFixed(3)} s (${stepSeconds.lower.toFixed(3)}–${stepSeconds.upper.toFixed(3)})`,
    figures.speedUp === undefined ? '' : figures.speedUp.toFixed(2),
    piped ? formatShare(figures.efficiency) : '',
    piped ? formatShare(bubble.measured) : '',
    piped ? formatShare(bubble.predicted) : '',
    [...new Set(peaks.map(gibibytes))].join(', '),
    figures.bytesSent > 0 ? `${(figures.bytesSent / 2 ** 20).toFixed(0)} MiB` : '',
    `${figures.counted} of ${figures.steps}`,
    formatShare(figures.disturbance),
  ];
}

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** Throughput over workers: a line for every schedule and number of micro-batches, all beginning at the one worker. */
export function throughputPlot({ run, figures, shape, machine, date }: BenchResult): ThroughputPlot {
  const counts = [...new Set(figures.map(({ subject }) => subject.microBatches))];
  const most = Math.max(1, ...figures.map(({ subject }) => subject.workers));
  const single = figures.filter(({ subject }) => subject.kind === 'independent' && subject.workers === 1);
  const ceilings = figures.filter(({ subject }) => subject.kind === 'independent');
  const best = single.toSorted((a, b) => b.samplesPerSecond - a.samplesPerSecond)[0];
  const schedules = [
    ...new Set(figures.flatMap(({ subject }) => (subject.kind === 'pipeline' ? [subject.schedule] : []))),
  ];
  const measured = counts.flatMap((count, variant) => {
    const own = figures.filter(({ subject }) => subject.microBatches === count);
    const start = own.filter(({ subject }) => subject.kind === 'independent' && subject.workers === 1);
    return schedules.flatMap((name, family): MeasuredSeries[] => {
      const points = own.filter(({ subject }) => subject.kind === 'pipeline' && subject.schedule === name);
      const title = counts.length > 1 ? `${name}, ${count} micro-batches` : name;
      return points.length === 0 ? [] : [{ name: title, family, variant, points: pointsOf([...start, ...points]) }];
    });
  });
  const [samples, ...size] = shape;
  return {
    title: `${run}: throughput over workers`,
    subtitle: `${samples} samples of ${size.slice(0, -1).join(' × ')} a step${counts.length === 1 ? `, ${counts[0]} micro-batches` : ''}; ${machine.device}, ${machine.cores} cores, ${date}`,
    measured,
    ideal: {
      name: 'ideal: so many times one worker',
      points: best ? [1, most].map((workers) => [workers, workers * best.samplesPerSecond]) : [],
    },
    ceiling: { name: 'independent workers, no messages', points: pointsOf(bestOfEach(ceilings)) },
  };
}

const pointsOf = (figures: readonly BenchFigures[]): ThroughputSeries['points'] =>
  figures
    .map(({ subject, samplesPerSecond }) => [subject.workers, samplesPerSecond] as const)
    .toSorted(([a], [b]) => a - b);

/** Of several with as many workers, the fastest. */
const bestOfEach = (figures: readonly BenchFigures[]): BenchFigures[] =>
  figures.filter(
    (one) =>
      !figures.some(
        (other) => other.subject.workers === one.subject.workers && other.samplesPerSecond > one.samplesPerSecond,
      ),
  );
