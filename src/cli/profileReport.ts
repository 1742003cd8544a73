import { formatTable, type Column } from '../telemetry/table.ts';
import { formatBytes, formatCount } from '../telemetry/units.ts';
import type { MeasuredRun } from './services.ts';

type Profile = MeasuredRun['profile'];

/** What was measured and counted, cell by cell and link by link, and for what it holds. */
export function describeProfile({ profile, file, cells }: MeasuredRun): string {
  return [
    describeSubject(profile),
    cellTable(profile, cells),
    `loss ${ms(profile.loss_milliseconds)} ms, update ${ms(profile.update_per_million)} ms for a million parameters`,
    ...(profile.links.length > 0 ? [linkTable(profile)] : []),
    `kept in ${file}`,
  ].join('\n\n');
}

function describeSubject({ model, input_shape: shape, engine, workers, repeats }: Profile): string {
  const parts = [...new Set(workers.map(({ device, threads }) => `${device}, ${formatCount(threads, 'thread')}`))];
  const speeds = workers.some(({ speed }) => speed !== 1)
    ? `; speeds ${workers.map(({ speed }) => speed.toFixed(2)).join(', ')}`
    : '';
  return (
    `${model.name}, micro-batches of (${shape.join(', ')}), ${engine}, ${formatCount(workers.length, 'worker')} at the same ` +
    `time (${parts.join('; ')})${speeds}. Milliseconds are medians of up to ${repeats} passes; ± is half the distance of the quartiles.`
  );
}

const right = (title: string): Column => ({ title, align: 'right' });

const columns: readonly Column[] = [
  { title: 'cell' },
  ...['forward', '±', 'backward', '±', 'input', 'weights', 'parameters', 'with gradient', 'and optimizer'].map(right),
  ...['held', 'recomputed', 'output', 'skip'].map(right),
];

function cellTable(profile: Profile, footprints: MeasuredRun['cells']): string {
  const rows = profile.cells.map((cell, index) => {
    const { parameters, ...bytes } = footprints[index]!;
    const withGradient = bytes.parameterBytes + bytes.gradientBytes;
    return [
      ...[cell.name, ms(cell.forward), halfRange(cell.spread.forward)],
      ...[ms(cell.backward), halfRange(cell.spread.backward), ms(cell.backward_input), ms(cell.backward_weights)],
      ...[
        parameters.toLocaleString('en-US'),
        formatBytes(withGradient),
        formatBytes(withGradient + bytes.optimizerBytes),
      ],
      ...[
        formatBytes(bytes.activationBytes),
        formatBytes(heldUnderRecomputation(bytes)),
        formatBytes(bytes.outputBytes),
      ],
      bytes.stashBytes > 0 ? formatBytes(bytes.stashBytes) : '',
    ];
  });
  const sum = (figure: (cell: Profile['cells'][number]) => number): string =>
    ms(profile.cells.reduce((total, cell) => total + figure(cell), 0));
  const totals = [
    ...['together', sum(({ forward }) => forward), '', sum(({ backward }) => backward), ''],
    ...[sum((cell) => cell.backward_input), sum((cell) => cell.backward_weights)],
    footprints.reduce((total, { parameters }) => total + parameters, 0).toLocaleString('en-US'),
  ];
  return formatTable(columns, [...rows, totals]);
}

/** What the cell by itself keeps of a micro-batch where it is computed again: what comes in, the skip too. */
const heldUnderRecomputation = ({
  layers,
  inputBytes,
}: Pick<MeasuredRun['cells'][number], 'layers' | 'inputBytes'>): number => layers[0]?.inputBytes ?? inputBytes;

function linkTable({ links }: Profile): string {
  const perSecond = (bytesPerMs: number): string => `${formatBytes(1000 * bytesPerMs)}/s`;
  return formatTable(
    [{ title: 'link' }, right('latency'), right('bandwidth'), right('copies at its ends')],
    links.map(({ from, to, latency, ...each }) => [
      ...[`worker ${from} → ${to}`, `${ms(latency)} ms`],
      ...[perSecond(each.bytes_per_ms), perSecond(each.copy_bytes_per_ms)],
    ]),
  );
}

const ms = (milliseconds: number): string => milliseconds.toFixed(milliseconds < 10 ? 2 : 1);
const halfRange = ([lower, upper]: readonly [number, number]): string => ((upper - lower) / 2).toFixed(2);
