import type { EvaluateEvent, Evaluation } from '../inference/evaluate/evaluate.ts';
import { FIGURES, type Figure, type StructureFigures } from '../inference/evaluate/figures.ts';
import type { FigureSummary } from '../inference/evaluate/summary.ts';
import { formatTable, type Column } from '../telemetry/table.ts';
import { formatCount } from '../telemetry/units.ts';

const titles: Readonly<Record<Figure, string>> = {
  dice: 'Dice',
  hd95: 'HD95',
  hd: 'HD',
  asd: 'ASD',
  assd: 'ASSD',
  surface_dice: 'surface Dice',
  truth_volume: 'truth ml',
  predicted_volume: 'predicted ml',
};

/** Names in CSV files, with their units. */
const csvNames: Readonly<Record<Figure, string>> = {
  dice: 'dice',
  hd95: 'hd95_mm',
  hd: 'hd_mm',
  asd: 'asd_mm',
  assd: 'assd_mm',
  surface_dice: 'surface_dice',
  truth_volume: 'truth_ml',
  predicted_volume: 'predicted_ml',
};

const columns: readonly Column[] = [
  { title: 'structure' },
  ...FIGURES.map((figure) => ({ title: titles[figure], align: 'right' }) as const),
];

/** A case's table as soon as it is there, or why there is none. */
export function describeCase(event: EvaluateEvent): string {
  if (event.kind === 'failed') return `${event.failed.name}: not evaluated: ${event.failed.error}\n\n`;
  const { number, of, result } = event;
  const rows = result.structures.map((each) => [
    each.structure,
    ...FIGURES.map((name) => formatFigure(name, each[name])),
  ]);
  return `${result.name} (${number} of ${of})\n${formatTable(columns, rows)}\n\n`;
}

/** Mean ± deviation over the cases, how many cases that is, and what could not be counted. */
export function describeEvaluation({ cases, failed, summary, mean, tolerance }: Evaluation): string {
  const notes = [
    `distances in mm; surface Dice at ${tolerance} mm`,
    ...summary.flatMap(({ structure, missed, dice, hd95 }) => [
      ...(dice.nan > 0
        ? [`${structure}: absent from the truth of ${formatCount(dice.nan, 'case')}, which do not count`]
        : []),
      ...(missed > 0
        ? [`${structure}: not found in ${formatCount(missed, 'case')}; distances are over the others`]
        : []),
      ...(hd95.counted === 0 && dice.counted > 0 ? [`${structure}: found in no case`] : []),
    ]),
    ...(failed.length === 0
      ? []
      : [`${formatCount(failed.length, 'case')} not evaluated: ${failed.map(({ name }) => name).join(', ')}`]),
  ];
  const told = `${notes.join('\n')}\n`;
  // Of one case the mean is its table.
  if (cases.length < 2) return told;
  const rows = [
    ...summary.map((each) => [
      each.structure,
      ...FIGURES.map((name) => formatSummary(name, each[name])),
      String(each.dice.counted),
    ]),
    ['mean', ...FIGURES.map((name) => (isVolume(name) ? '' : formatFigure(name, mean[name].mean))), ''],
  ];
  const title = `mean ± sd over ${formatCount(cases.length, 'case')}`;
  return `${title}\n${formatTable([...columns, { title: 'cases', align: 'right' }], rows)}\n\n${told}`;
}

const isVolume = (figure: Figure): boolean => figure === 'truth_volume' || figure === 'predicted_volume';

function formatFigure(figure: Figure, value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return '∞';
  return value.toFixed(figure === 'dice' || figure === 'surface_dice' ? 3 : isVolume(figure) && value < 10 ? 3 : 2);
}

function formatSummary(figure: Figure, { mean, sd }: FigureSummary): string {
  const deviation = Number.isNaN(sd) ? '' : ` ± ${formatFigure(figure, sd)}`;
  return `${formatFigure(figure, mean)}${deviation}`;
}

/** One JSON line; what JSON has no numbers for is null (NaN) or "Infinity". */
export const evaluationJson = (event: EvaluateEvent | ({ readonly kind: 'result' } & Evaluation)): string =>
  `${JSON.stringify(event, (_, value: unknown) => (value === Infinity ? 'Infinity' : value))}\n`;

/** A row for each case and structure, the figures in full. */
export function evaluationCsv({ cases, tolerance }: Evaluation): string {
  const header = ['case', 'structure', ...FIGURES.map((figure) => csvNames[figure]), 'tolerance_mm'];
  const row = (name: string, each: StructureFigures): readonly string[] => [
    name,
    each.structure,
    ...FIGURES.map((figure) => csvNumber(each[figure])),
    String(tolerance),
  ];
  const rows = cases.flatMap(({ name, structures }) => structures.map((each) => row(name, each)));
  return [header, ...rows].map((line) => `${line.map(csvField).join(',')}\n`).join('');
}

/** As pandas and R read them. */
const csvNumber = (value: number): string => (value === Infinity ? 'inf' : String(value));

/** RFC 4180: what holds a comma, a quote or a line's end stands in quotes. */
const csvField = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
