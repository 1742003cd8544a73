import type { DataSpec } from '../../../config/runFile.ts';
import type { CaseFiles } from '../../caseFiles.ts';
import { loadCase, type Case, type CaseOptions } from '../../dataset.ts';
import { drawSample, type Sample, type SampleKey, type SampleSpec } from '../../sample.ts';
import { validationCase } from '../../validation.ts';
import { wholeImage, type NetworkInput } from '../../wholeImage.ts';
import { keptCase, keepCase } from '../cache/caseFile.ts';
import { shareCase } from '../cache/sharedCase.ts';
import { LoadError } from './loadError.ts';

/** What a thread of the loader can be asked for. Cases lie in shared memory, so that asking copies nothing. */
export type Task =
  /** Read a case, or take it from the file of the cache if that is there and sound. */
  | {
      readonly kind: 'case';
      readonly files: CaseFiles;
      readonly options: CaseOptions;
      readonly cacheFile?: string | undefined;
    }
  | { readonly kind: 'sample'; readonly case: Case; readonly spec: SampleSpec; readonly key: SampleKey }
  | {
      readonly kind: 'validation';
      readonly case: Case;
      readonly data: Pick<DataSpec, 'validation_deformation'>;
      readonly key: { readonly seed: number; readonly number: number };
      readonly network: NetworkInput;
    };

/** What comes of each. */
export interface TaskResults {
  case: Case;
  sample: Sample;
  validation: ReturnType<typeof wholeImage>;
}

export type TaskOf<K extends Task['kind']> = Extract<Task, { kind: K }>;

/** Does a task in the thread that calls. Throws a LoadError that names the file. */
export async function perform<K extends Task['kind']>(task: TaskOf<K>): Promise<TaskResults[K]> {
  try {
    return (await results(task)) as TaskResults[K];
  } catch (error) {
    throw LoadError.of(error, fileOf(task));
  }
}

async function results(task: Task): Promise<TaskResults[Task['kind']]> {
  switch (task.kind) {
    case 'case':
      return (task.cacheFile && (await keptCase(task.cacheFile))) || makeCase(task);
    case 'sample':
      return drawSample(task.case, task.spec, task.key);
    case 'validation':
      return wholeImage(validationCase(task.case, task.data, task.key).image, task.network);
  }
}

async function makeCase({ files, options, cacheFile }: TaskOf<'case'>): Promise<Case> {
  const made = shareCase(await loadCase(files, options));
  if (cacheFile) await keepCase(cacheFile, made);
  return made;
}

const fileOf = (task: Task): string => (task.kind === 'case' ? task.files.images[0]! : task.case.source.file);
