import { FIGURES, type Figure, type StructureFigures } from './figures.ts';

/** One figure of one structure over all cases. */
export interface FigureSummary {
  /** Over the cases whose figure is finite; NaN where there is none. */
  readonly mean: number;
  /** The deviation of a sample, over n − 1; NaN of fewer than two. */
  readonly sd: number;
  readonly counted: number;
  /** Cases without the figure: the structure is absent, or the prediction of it where a percentile is asked for. */
  readonly nan: number;
  /** Cases whose distance is infinite: the prediction lacks the structure. */
  readonly infinite: number;
}

export interface StructureSummary extends Readonly<Record<Figure, FigureSummary>> {
  readonly structure: string;
  /** Cases where the truth has it and the prediction does not. */
  readonly missed: number;
}

/** Mean and deviation over the cases, structure by structure, in the order in which they are first met. */
export function summarize(cases: readonly (readonly StructureFigures[])[]): readonly StructureSummary[] {
  const all = cases.flat();
  return [...new Set(all.map(({ structure }) => structure))].map((structure) => {
    const figures = all.filter((each) => each.structure === structure);
    const missed = figures.filter((each) => each.truth_volume > 0 && each.predicted_volume === 0).length;
    return { structure, missed, ...summariesOf((figure) => figures.map((each) => each[figure])) };
  });
}

/** The means of the structures, each counting once. */
export const meanOverStructures = (structures: readonly StructureSummary[]): Readonly<Record<Figure, FigureSummary>> =>
  summariesOf((figure) => structures.map((each) => each[figure].mean));

const summariesOf = (valuesOf: (figure: Figure) => readonly number[]): Record<Figure, FigureSummary> =>
  Object.fromEntries(FIGURES.map((figure) => [figure, summaryOf(valuesOf(figure))])) as Record<Figure, FigureSummary>;

function summaryOf(values: readonly number[]): FigureSummary {
  const finite = values.filter(Number.isFinite);
  const nan = values.filter(Number.isNaN).length;
  const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
  const squares = finite.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const sd = finite.length < 2 ? Number.NaN : Math.sqrt(squares / (finite.length - 1));
  return { mean, sd, counted: finite.length, nan, infinite: values.length - finite.length - nan };
}
