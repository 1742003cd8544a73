import { isAbsolute, join, relative, resolve } from 'node:path';
import { mapPaths } from '../../config/dataPaths.ts';
import type { CaseSpec, DataSpec, RunFile } from '../../config/runFile.ts';
import type { Fault } from '../../config/runFileError.ts';
import { DataError } from '../dataError.ts';
import { labelMapOf } from './classes.ts';
import type { DataSet } from './dataSet.ts';
import { readDataSet } from './read.ts';
import { splitCases } from './split.ts';

export interface Expanded {
  readonly run: RunFile;
  readonly faults: readonly Fault[];
}

/**
 * The run with lists of cases in place of `data.dataset` and `data.split`, so that everything after knows only lists. `run` is
 * as given where there are faults. Folders are listed; no image is read.
 */
export function expandData(run: RunFile, baseDirectory: string): Expanded {
  const opened = openDataSet(run, baseDirectory);
  if ('faults' in opened) return { run, faults: opened.faults };
  const { split, ...data } = opened.data;
  if (!split) return { run: { ...run, data }, faults: [] };
  if (data.validation.length > 0)
    return {
      run,
      faults: [
        { key: 'data.split', problem: 'beside the cases in data.validation', remedy: 'take one of the two away' },
      ],
    };
  if (data.train.length === 0) return { run, faults: [] };
  const parts = splitCases(data.train, split, run.seed);
  if ('problem' in parts) return { run, faults: [parts] };
  return { run: { ...run, data: { ...data, train: [...parts.train], validation: [...parts.validation] } }, faults: [] };
}

/** The data of a run with the cases of its data set, where it names one. */
function openDataSet(run: RunFile, baseDirectory: string): { data: DataSpec } | { faults: readonly Fault[] } {
  const { dataset, format, ...data } = run.data;
  if (dataset === undefined)
    return format === undefined
      ? { data }
      : { faults: [{ key: 'data.format', problem: 'there is no data.dataset', remedy: 'take it away' }] };
  const beside = (['train', 'validation', 'synthetic'] as const).find((key) => (data[key]?.length ?? 0) > 0);
  if (beside)
    return {
      faults: [{ key: 'data.dataset', problem: `beside data.${beside}`, remedy: 'take one of the two away' }],
    };
  try {
    return casesOf(run, readDataSet(resolve(baseDirectory, dataset), format), dataset);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const { file, problem, remedy } = error;
    return { faults: [{ key: 'data.dataset', problem: `${file}: ${problem}`, remedy: lowered(remedy) }] };
  }
}

const lowered = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

function casesOf(run: RunFile, set: DataSet, named: string): { data: DataSpec } | { faults: readonly Fault[] } {
  const { dataset: _, format: __, ...data } = run.data;
  const classes = labelMapOf(data, set);
  const faults = [...('faults' in classes ? classes.faults : []), ...channelFaults(run, set), ...strayFaults(set)];
  if (faults.length > 0) return { faults };
  // As it was named: relative paths stay relative to the run file's folder.
  const back = (path: string): string => (isAbsolute(named) ? path : join(named, relative(set.folder, path)));
  const cases = (list: DataSet['train']): CaseSpec[] => list.map((each) => mapPaths(wanted(each, data.classes), back));
  const train = cases(set.train);
  const validation = data.split ? [] : cases(set.validation);
  const bare = [...train, ...validation].filter(({ label }) => Object.keys(label).length === 0);
  if (bare.length > 0)
    return {
      faults: [
        {
          key: 'data.dataset',
          problem: `${bare.map(({ name }) => name).join(', ')}: no mask of any of data.classes`,
          remedy: 'move these cases away, or name a structure that they have',
        },
      ],
    };
  const map = 'map' in classes && classes.map ? { label_map: classes.map } : {};
  return { data: { ...data, train, validation, ...map } };
}

/** Of a case with a mask a structure, those that are learnt. */
function wanted(spec: CaseSpec, classes: readonly string[]): CaseSpec {
  const { label } = spec;
  if (typeof label === 'string') return spec;
  return { ...spec, label: Object.fromEntries(Object.entries(label).filter(([name]) => classes.indexOf(name) > 0)) };
}

function channelFaults({ model }: RunFile, { channels, folder }: DataSet): readonly Fault[] {
  if (!channels || channels.length === model.in_channels) return [];
  const count = channels.length;
  return [
    {
      key: 'model.in_channels',
      problem: `${model.in_channels} for the ${count} channels of ${folder} (${channels.join(', ')})`,
      remedy: `give ${count}`,
    },
  ];
}

const strayFaults = ({ faults }: DataSet): readonly Fault[] =>
  faults.map(({ file, problem }) => ({
    key: 'data.dataset',
    problem: `${file}: ${problem}`,
    remedy: 'correct dataset.json, or move the file away',
  }));
