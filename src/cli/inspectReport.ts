import pc from 'picocolors';
import type { InspectedCase, Inspection, Problem } from '../data/inspect/index.ts';
import { formatTable, type Column } from '../telemetry/table.ts';
import { formatCount } from '../telemetry/units.ts';

/** Whether nothing is wrong; warnings are not. */
export const isSound = ({ cases, across }: Inspection): boolean =>
  [...across, ...cases.flatMap(({ problems }) => problems)].every(({ severity }) => severity !== 'error');

/** More structures do not fit side by side. */
const MOST_COLUMNS = 12;

/** What a data set holds as tables, what is wrong with it, and the block for a run file. */
export function describeInspection(inspection: Inspection, block: string | undefined): string {
  const { cases } = inspection;
  const structures = inspection.names.slice(1);
  return [
    imageTable(cases),
    ...(structures.length <= MOST_COLUMNS ? [caseTable(cases, structures)] : []),
    structureTable(cases, structures),
    describeProblems(inspection),
    ...(block === undefined ? [] : [`For a run file:\n\n${block}`]),
  ].join('\n\n');
}

const right = (title: string): Column => ({ title, align: 'right' });

/** To four digits, without an exponent where it can be. */
const figure = (value: number | undefined): string => (value === undefined ? '' : String(Number(value.toPrecision(4))));

function imageTable(cases: readonly InspectedCase[]): string {
  const rows = cases.flatMap(({ name, set, image }) => {
    if (!image) return [[name, set, 'cannot be read']];
    const { size, spacing, axes, intensities } = image;
    const grid = [size.join(' × '), spacing.map(figure).join(' × '), axes];
    return intensities.map(({ min, max, percentiles }, channel) => [
      ...(channel === 0 ? [name, set, ...grid] : ['', '', '', '', '']),
      String(channel),
      ...[min, ...(percentiles ?? [undefined, undefined, undefined]), max].map(figure),
    ]);
  });
  const columns = [{ title: 'case' }, { title: 'set' }, { title: 'voxels' }, { title: 'mm' }, { title: 'axes' }];
  const figures = ['channel', 'min', '0.5%', 'median', '99.5%', 'max'].map(right);
  return formatTable([...columns, ...figures], rows);
}

/** Voxels of every structure in every case; a dash where it is not annotated or cannot be read. */
function caseTable(cases: readonly InspectedCase[], structures: readonly string[]): string {
  const rows = cases.map(({ name, labels, unannotated }) => [
    name,
    ...structures.map((structure) =>
      labels?.[structure] === undefined || unannotated.includes(structure)
        ? '—'
        : labels[structure].toLocaleString('en-US'),
    ),
  ]);
  return formatTable([{ title: 'case' }, ...structures.map(right)], rows);
}

function structureTable(cases: readonly InspectedCase[], structures: readonly string[]): string {
  const rows = structures.map((structure) => {
    const counts = cases.flatMap(({ labels }) => labels?.[structure] ?? []);
    const without = cases.filter(({ unannotated }) => unannotated.includes(structure)).length;
    const sorted = counts.filter((count) => count > 0).toSorted((a, b) => a - b);
    const three = [sorted[0], sorted[(sorted.length - 1) >> 1], sorted.at(-1)];
    return [structure, ...[sorted.length, without, ...three].map((n) => n?.toLocaleString('en-US') ?? '')];
  });
  return formatTable(
    [{ title: 'structure' }, ...['cases', 'not annotated', 'fewest voxels', 'median', 'most'].map(right)],
    rows,
  );
}

function describeProblems({ cases, across }: Inspection): string {
  const problems = [...across, ...cases.flatMap((each) => each.problems)];
  const errors = problems.filter(({ severity }) => severity === 'error');
  const warnings = problems.filter(({ severity }) => severity === 'warning');
  const all = formatCount(cases.length, 'case');
  const head =
    errors.length === 0
      ? `${pc.green('✓')} ${all}: nothing is wrong`
      : `${pc.red('✗')} ${all}: ${formatCount(errors.length, 'fault')}`;
  const line = (mark: string, { place, problem, remedy }: Problem): string => `${mark} ${place}: ${problem}. ${remedy}`;
  return [
    head,
    ...errors.map((each) => line(pc.red('✗'), each)),
    ...warnings.map((each) => line(pc.yellow('!'), each)),
  ].join('\n');
}
