import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Fault } from './runFileError.ts';
import type { CaseSpec, PipelineSpec, RunFile } from './runFile.ts';
import { isSchedulePath, type SchedulePath } from './scheduleName.ts';

/** The files of a case, each with the key that names it. */
export function filesOfCase({ image, label }: CaseSpec): readonly { readonly key: string; readonly path: string }[] {
  return [...pathsOf('image', image), ...pathsOf('label', label)];
}

function pathsOf(
  key: string,
  value: CaseSpec['image'] | CaseSpec['label'],
): readonly { readonly key: string; readonly path: string }[] {
  if (typeof value === 'string') return [{ key, path: value }];
  if (Array.isArray(value)) return value.map((path, i) => ({ key: `${key}[${i}]`, path }));
  return Object.entries(value).map(([name, path]) => ({ key: `${key}.${name}`, path }));
}

/** The same case with other paths. */
export function mapPaths({ image, label, ...rest }: CaseSpec, change: (path: string) => string): CaseSpec {
  return {
    ...rest,
    image: typeof image === 'string' ? change(image) : image.map(change),
    label:
      typeof label === 'string'
        ? change(label)
        : Object.fromEntries(Object.entries(label).map(([name, path]) => [name, change(path)])),
  };
}

/** The run with the paths of its images made absolute, so that it means the same from any folder. */
export function withAbsolutePaths(run: RunFile, baseDirectory: string): RunFile {
  const absolute = (entry: CaseSpec): CaseSpec => mapPaths(entry, (path) => resolve(baseDirectory, path));
  const { train, validation, cache } = run.data;
  const absoluteCache =
    cache.directory === undefined ? cache : { ...cache, directory: resolve(baseDirectory, cache.directory) };
  const { initial_weights: weights } = run.training;
  const absoluteSchedule = <P extends { readonly schedule?: PipelineSpec['schedule'] | undefined }>(pipeline: P): P =>
    pipeline.schedule !== undefined && isSchedulePath(pipeline.schedule)
      ? { ...pipeline, schedule: resolve(baseDirectory, pipeline.schedule) as SchedulePath }
      : pipeline;
  return {
    ...run,
    data: { ...run.data, train: train.map(absolute), validation: validation.map(absolute), cache: absoluteCache },
    ...(weights === undefined
      ? {}
      : { training: { ...run.training, initial_weights: resolve(baseDirectory, weights) } }),
    pipeline: absoluteSchedule(run.pipeline),
    ...(run.phases
      ? {
          phases: run.phases.map((phase) =>
            phase.pipeline ? { ...phase, pipeline: absoluteSchedule(phase.pipeline) } : phase,
          ),
        }
      : {}),
  };
}

/** The images and labels of a run that are not there, its weights, and its schedule where that is a file. */
export function missingFiles(run: RunFile, baseDirectory: string): readonly Fault[] {
  const faults: Fault[] = [];
  // What cannot be used for training is left out where the run file says so, and told then.
  const sets = run.data.unreadable === 'skip' ? (['validation'] as const) : (['train', 'validation'] as const);
  for (const set of sets)
    for (const [i, entry] of run.data[set].entries())
      for (const file of filesOfCase(entry)) {
        const path = resolve(baseDirectory, file.path);
        if (!existsSync(path))
          faults.push({
            key: `data.${set}[${i}].${file.key}`,
            problem: `there is no file ${path}`,
            remedy: `paths are relative to the run file's folder`,
          });
      }
  const { initial_weights: weights } = run.training;
  if (weights !== undefined && !existsSync(resolve(baseDirectory, weights)))
    faults.push({
      key: 'training.initial_weights',
      problem: `there is no file ${resolve(baseDirectory, weights)}`,
      remedy: `paths are relative to the run file's folder`,
    });
  for (const { key, schedule } of schedulesOf(run))
    if (isSchedulePath(schedule) && !existsSync(resolve(baseDirectory, schedule)))
      faults.push({
        key,
        problem: `there is no file ${resolve(baseDirectory, schedule)}`,
        remedy: `paths are relative to the run file's folder`,
      });
  return faults;
}

/** The schedules that the run and its phases name. */
const schedulesOf = ({ pipeline, phases = [] }: RunFile): { key: string; schedule: PipelineSpec['schedule'] }[] => [
  { key: 'pipeline.schedule', schedule: pipeline.schedule },
  ...phases.flatMap((phase, number) => {
    const { schedule } = phase.pipeline ?? {};
    return schedule === undefined ? [] : [{ key: `phases[${number}].pipeline.schedule`, schedule }];
  }),
];
