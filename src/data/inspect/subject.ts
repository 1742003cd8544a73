import type { DataSpec, RunFile } from '../../config/runFile.ts';
import { classOf } from '../../config/labelMap.ts';
import { caseFiles, type CaseFiles } from '../caseFiles.ts';
import { labelNames, type DataSet } from '../sets/dataSet.ts';
import type { Expectation, InspectedCase, Problem } from './inspection.ts';
import type { LabelNames } from './labelCounts.ts';

/** What is to be inspected. */
export interface Subject {
  readonly cases: readonly { readonly files: CaseFiles; readonly set: InspectedCase['set'] }[];
  readonly expectation: Expectation;
  /** What its folder's listing said already. */
  readonly problems: readonly Problem[];
}

/** The cases of a data set's folder, against what its description says. */
export function subjectOfDataSet(set: DataSet): Subject {
  const files = (specs: DataSet['train'], name: InspectedCase['set']): Subject['cases'] =>
    specs.map((spec) => ({ files: caseFiles(spec, set.folder), set: name }));
  return {
    cases: [...files(set.train, 'train'), ...files(set.validation, 'validation')],
    expectation: {
      labels: namesOfDataSet(set),
      channels: set.channels?.length,
      spatialDims: undefined,
      deformed: false,
    },
    problems: set.faults.map(({ file, problem }) => ({
      ...{ severity: 'error', place: file, problem, remedy: 'Correct dataset.json, or move the file away' },
    })),
  };
}

function namesOfDataSet({ labels }: DataSet): LabelNames {
  const names = labelNames(labels);
  const ofValue = new Map<number, string[]>();
  const values = labels.kind === 'values' ? labels.values : {};
  for (const [name, owned] of Object.entries(values))
    for (const value of owned) ofValue.set(value, [...(ofValue.get(value) ?? []), name]);
  if (!ofValue.has(0)) ofValue.set(0, [names[0]!]);
  return { names, ofValue, othersAreBackground: false };
}

/** The cases of a run file, against its classes and its model. */
export function subjectOfRun({ data, model }: RunFile, baseDirectory: string): Subject {
  const files = (set: InspectedCase['set']): Subject['cases'] =>
    data[set].map((spec) => ({ files: caseFiles(spec, baseDirectory), set }));
  return {
    cases: [...files('train'), ...files('validation')],
    expectation: {
      labels: namesOfRun(data),
      channels: model.in_channels,
      spatialDims: model.spatial_dims,
      deformed: data.validation_deformation !== undefined,
      npy_spacing: data.npy_spacing,
    },
    problems: [],
  };
}

function namesOfRun({ classes, label_map: map }: DataSpec): LabelNames {
  if (!map)
    return { names: classes, ofValue: new Map(classes.map((name, i) => [i, [name]])), othersAreBackground: false };
  const pairs = Object.entries(map).flatMap(([key, values]) =>
    values.map((value) => [value, [classes[classOf(key, classes)!]!]] as const),
  );
  return { names: classes, ofValue: new Map(pairs), othersAreBackground: true };
}
