import { basename } from 'node:path';
import type { EngineSpec, RecomputeMode, SkipWay } from '../../config/runFile.ts';
import type { PlacementName, TrainingScheduleName } from '../../config/scheduleName.ts';
import { startEngine } from '../../engine/index.ts';
import { KeptCrew } from '../keptCrew.ts';
import type { Comparison } from './compare.ts';
import { runLossCase, runMetricCase } from './moduleCases.ts';
import { runModuleCase } from './moduleRun.ts';
import { readReferenceCase, type ReferenceCase } from './referenceCase.ts';
import { runSlidingWindowCase } from './slidingWindowCases.ts';
import { runTrainCase } from './trainCase.ts';
import { runTransformCase } from './transformCases.ts';

export type { Comparison } from './compare.ts';

export interface ParityOptions {
  /** Worker processes of a training case or a module, where it has cells enough; 1 unless given. */
  readonly workers?: number;
  /** Pipelines side by side in a training case; 1 unless given, and no more than it has micro-batches. */
  readonly replicas?: number;
  /** As in the case unless given. */
  readonly microBatches?: number;
  readonly recompute?: RecomputeMode;
  readonly skips?: SkipWay;
  /** GPipe unless given. */
  readonly schedule?: TrainingScheduleName;
  /** As the schedule wants it unless given. */
  readonly placement?: PlacementName;
  readonly engine?: Exclude<EngineSpec['name'], 'auto'>;
  /** Whose processes compute, and stay; without it, they end with the last case. */
  readonly crew?: KeptCrew;
  readonly signal: AbortSignal;
}

/** As they come to a case. */
export type CrewedOptions = ParityOptions & { readonly crew: KeptCrew };

/** What came of one reference case. */
export interface ParityResult {
  readonly file: string;
  readonly kind: string;
  readonly case: string;
  readonly status: 'agrees' | 'differs' | 'skipped';
  /** Why it was skipped. */
  readonly reason?: string;
  /** Of a module: it has not cells for more. Where more were asked for, so many took part. */
  readonly mostWorkers?: number;
  readonly errors: readonly Comparison[];
  readonly seconds: number;
}

/** Runs reference cases one after the other and compares every tensor with the expected one. */
export async function runParity(
  files: readonly string[],
  options: ParityOptions,
  report: (result: ParityResult) => void,
): Promise<ParityResult[]> {
  const crew = options.crew ?? new KeptCrew();
  try {
    return await runCases(files, { ...options, crew }, report);
  } finally {
    if (!options.crew) await crew.close();
  }
}

async function runCases(
  files: readonly string[],
  options: CrewedOptions,
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
  options: CrewedOptions,
): Promise<Pick<ParityResult, 'kind' | 'status' | 'reason' | 'errors' | 'mostWorkers'>> {
  const { description } = reference;
  if (description.status === 'unknown') {
    return { kind: description.kind, status: 'skipped', reason: description.reason, errors: [] };
  }
  const known = description.description;
  const outcome = await compare(reference, known, options);
  const agrees = outcome.errors.every((each) => each.agrees);
  return { kind: known.kind, status: agrees ? 'agrees' : 'differs', ...outcome };
}

async function compare(
  reference: ReferenceCase,
  known: Extract<ReferenceCase['description'], { status: 'known' }>['description'],
  options: CrewedOptions,
): Promise<Pick<ParityResult, 'errors' | 'mostWorkers'>> {
  switch (known.kind) {
    case 'train':
      return { errors: await runTrainCase(reference, known, options) };
    case 'module':
      return runModuleCase(reference, known, options);
    case 'loss':
      return { errors: runLossCase(await startEngine({ name: options.engine ?? 'auto' }), reference, known) };
    case 'metric':
      return { errors: runMetricCase(reference, known) };
    case 'sliding_window':
      return { errors: runSlidingWindowCase(reference, known) };
    case 'transform':
      return { errors: runTransformCase(reference, known) };
  }
}
