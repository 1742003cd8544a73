import { setImmediate } from 'node:timers/promises';
import { figuresOf, type Figure, type StructureFigures } from './figures.ts';
import { readLabelPair, type LabelFileOptions } from './labelFiles.ts';
import { pairCases, type CasePair, type FailedCase } from './pairs.ts';
import { meanOverStructures, summarize, type FigureSummary, type StructureSummary } from './summary.ts';

export interface EvaluateOptions extends LabelFileOptions {
  /** Two files, or two folders. */
  readonly prediction: string;
  readonly truth: string;
  /** Of the surface Dice, in mm. */
  readonly tolerance: number;
  readonly countEmpty: boolean;
  readonly signal: AbortSignal;
  readonly report: (event: EvaluateEvent) => void;
}

export interface EvaluatedCase extends CasePair {
  readonly structures: readonly StructureFigures[];
}

export type EvaluateEvent =
  | { readonly kind: 'case'; readonly number: number; readonly of: number; readonly result: EvaluatedCase }
  | { readonly kind: 'failed'; readonly failed: FailedCase };

export interface Evaluation {
  readonly tolerance: number;
  readonly cases: readonly EvaluatedCase[];
  readonly failed: readonly FailedCase[];
  readonly summary: readonly StructureSummary[];
  /** Over the structures. */
  readonly mean: Readonly<Record<Figure, FigureSummary>>;
}

/** Compares predictions with truths, case by case; a case that cannot be compared is told and loses no other. */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const { prediction, truth, tolerance, signal, report } = options;
  const { pairs, failed: unpaired } = pairCases(prediction, truth);
  const cases: EvaluatedCase[] = [];
  const failed: FailedCase[] = [];
  const fail = (each: FailedCase): void => {
    failed.push(each);
    report({ kind: 'failed', failed: each });
  };
  unpaired.forEach(fail);
  for (const [i, pair] of pairs.entries()) {
    // Between two cases a signal is heard.
    await setImmediate();
    signal.throwIfAborted();
    try {
      const result = { ...pair, structures: await evaluateCase(pair, options) };
      cases.push(result);
      report({ kind: 'case', number: i + 1, of: pairs.length, result });
    } catch (error) {
      fail({ name: pair.name, error: error instanceof Error ? error.message : String(error) });
    }
  }
  const summary = summarize(cases.map(({ structures }) => structures));
  return { tolerance, cases, failed, summary, mean: meanOverStructures(summary) };
}

async function evaluateCase(pair: CasePair, options: EvaluateOptions): Promise<readonly StructureFigures[]> {
  const { prediction, truth, classes } = await readLabelPair(pair, options);
  return figuresOf(prediction, truth, { ...options, classes });
}
