import type { DataSpec } from '../../config/runFile.ts';
import { isRandom, transformSteps } from '../../config/transformList.ts';
import type { CaseOptions } from '../dataset.ts';

/** Every key of them: a new one does not compile until it is here. */
type AllOptions = { readonly [K in keyof Required<CaseOptions>]: CaseOptions[K] };

/** What of a run file decides how its cases are read and prepared, and nothing else: what is kept of them holds as long as this. */
export function caseOptions(data: DataSpec, channels: number): CaseOptions {
  const { npy_spacing, classes, label_map, missing_structures } = data;
  const all: AllOptions = {
    ...{ npy_spacing, classes, label_map, missing_structures, channels },
    transforms: data.transforms.filter((spec) => !transformSteps([spec]).every(({ step }) => isRandom(step))),
  };
  return all as CaseOptions;
}
