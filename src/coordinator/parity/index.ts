import { basename } from 'node:path';
import type { EngineSpec, RecomputeMode, SkipWay } from '../../config/runFile.ts';
import type { PlacementName, TrainingScheduleName } from '../../config/scheduleName.ts';
import { startEngine } from '../../engine/index.ts';
import type { Comparison } from './compare.ts';
import { runLossCase, runMetricCase } from './moduleCases.ts';
import { readReferenceCase, type ReferenceCase } from './referenceCase.ts';
import { runSlidingWindowCase } from './slidingWindowCases.ts';
import { runTrainCase } from './trainCase.ts';
import { runTransformCase } from './transformCases.ts';

export type { Comparison } from './compare.ts';

export interface ParityOptions {
  /** Worker processes of a training case; 1 unless given. */
  readonly workers?: number;
  /** As in the case unless given. */
  readonly microBatches?: number;
  readonly recompute?: RecomputeMode;
  readonly skips?: SkipWay;
  /** GPipe unless given. */
  readonly schedule?: TrainingScheduleName;
  /** As the schedule wants it unless given. */
  readonly placement?: PlacementName;
  readonly engine?: Exclude<EngineSpec['name'], 'auto'>;
  readonly signal: AbortSignal;
}

/** What came of one reference case. */
export interface ParityResult {
  readonly file: string;
  readonly kind: string;
  readonly case: string;
  readonly status: 'agrees' | 'differs' | 'skipped';
  /** Why it was skipped. */
  readonly reason?: string;
  readonly errors: readonly Comparison[];
  readonly seconds: number;
}

/** Runs reference cases one after the other and compares every tensor with the expected one. */
export async function runParity(
  files: readonly string[],
  options: ParityOptions,
  report: (result: ParityResult) => void,
): Promise<ParityResult[]> {
  const results: ParityResult[] = [];
  for (const file of files) {
    options.signal.throwIfAborted();
    const begin = performance.now();
    const outcome = await runCase(await readReferenceCase(file), options);
    const result = {
      file,
      case: basename(file, '.safetensors'),
      ...outcome,
      seconds: (performance.now() - begin) / 1000,
    };
    results.push(result);
    report(result);
  }
  return results;
}

async function runCase(
  reference: ReferenceCase,
  options: ParityOptions,
): Promise<Pick<ParityResult, 'kind' | 'status' | 'reason' | 'errors'>> {
  const { description } = reference;
  if (description.status === 'unknown') {
    return { kind: description.kind, status: 'skipped', reason: description.reason, errors: [] };
  }
  const known = description.description;
  const errors = await compare(reference, known, options);
  return { kind: known.kind, status: errors.every(({ agrees }) => agrees) ? 'agrees' : 'differs', errors };
}

async function compare(
  reference: ReferenceCase,
  known: Extract<ReferenceCase['description'], { status: 'known' }>['description'],
  options: ParityOptions,
): Promise<Comparison[]> {
  switch (known.kind) {
    case 'train':
      return runTrainCase(reference, known, options);
    case 'loss':
      return runLossCase(await startEngine({ name: options.engine ?? 'auto' }), reference, known);
    case 'metric':
      return runMetricCase(reference, known);
    case 'sliding_window':
      return runSlidingWindowCase(reference, known);
    case 'transform':
      return runTransformCase(reference, known);
  }
}
