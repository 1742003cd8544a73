import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Fault } from './runFileError.ts';
import type { DataSpec, RunFile } from './runFile.ts';
import { isSchedulePath, type SchedulePath } from './scheduleName.ts';

type Case = DataSpec['train'][number];

/** The run with the paths of its images made absolute, so that it means the same from any folder. */
export function withAbsolutePaths(run: RunFile, baseDirectory: string): RunFile {
  const absolute = ({ image, label }: Case): Case => ({
    image: resolve(baseDirectory, image),
    label: resolve(baseDirectory, label),
  });
  const { train, validation } = run.data;
  const { schedule } = run.pipeline;
  return {
    ...run,
    data: { ...run.data, train: train.map(absolute), validation: validation.map(absolute) },
    pipeline: {
      ...run.pipeline,
      schedule: isSchedulePath(schedule) ? (resolve(baseDirectory, schedule) as SchedulePath) : schedule,
    },
  };
}

/** The images and labels of a run that are not there, and its schedule where that is a file. */
export function missingFiles(run: RunFile, baseDirectory: string): readonly Fault[] {
  const faults: Fault[] = [];
  for (const set of ['train', 'validation'] as const)
    for (const [i, entry] of run.data[set].entries())
      for (const kind of ['image', 'label'] as const) {
        const path = resolve(baseDirectory, entry[kind]);
        if (!existsSync(path))
          faults.push({
            key: `data.${set}[${i}].${kind}`,
            problem: `there is no file ${path}`,
            remedy: `paths are relative to the run file's folder`,
          });
      }
  const { schedule } = run.pipeline;
  if (isSchedulePath(schedule) && !existsSync(resolve(baseDirectory, schedule)))
    faults.push({
      key: 'pipeline.schedule',
      problem: `there is no file ${resolve(baseDirectory, schedule)}`,
      remedy: `paths are relative to the run file's folder`,
    });
  return faults;
}
