import type { LabelMap } from '../../config/labelMap.ts';
import { nearest } from '../../config/editDistance.ts';
import type { DataSpec } from '../../config/runFile.ts';
import type { Fault } from '../../config/runFileError.ts';
import { labelNames, type DataSet } from './dataSet.ts';

/** The `label_map` that follows from a data set's labels, where one is needed; or what keeps it from following. */
export function labelMapOf(
  { classes, label_map: given }: Pick<DataSpec, 'classes' | 'label_map'>,
  { labels, folder }: Pick<DataSet, 'labels' | 'folder'>,
): { readonly map: Record<string, number[]> | undefined } | { readonly faults: readonly Fault[] } {
  if (given && labels.kind === 'values') return { map: given };
  if (given) return { faults: [{ key: 'data.label_map', problem: 'the data set has masks', remedy: 'take it away' }] };
  const names = labelNames(labels);
  const wanted = classes.slice(1);
  const unknown = wanted.filter((name) => !names.slice(1).includes(name));
  if (unknown.length > 0) return { faults: [unknownClasses(unknown, names, folder)] };
  if (labels.kind === 'masks') return { map: undefined };
  const { values } = labels;
  if ('ignore' in values && !classes.includes('ignore')) return { faults: [ignored(folder)] };
  const map = Object.fromEntries(wanted.map((name) => [name, [...values[name]!]]));
  const overlap = overlapOf(map);
  if (overlap) return { faults: [overlap] };
  return { map: sameAsIndices(map, classes, names) ? undefined : map };
}

/** Where every label is a class and its value the index, none is mistaken: other values are errors. */
const sameAsIndices = (map: LabelMap, classes: readonly string[], names: readonly string[]): boolean =>
  names.length === classes.length &&
  classes.every((name, index) => index === 0 || (map[name]!.length === 1 && map[name]![0] === index));

/** The key of a run file that takes all labels of a data set. */
export const classesLine = (names: readonly string[]): string =>
  `classes: [${names.map((name) => (/^[A-Za-z][\w .-]*$/.test(name) && !YAML_WORDS.test(name) ? name : JSON.stringify(name))).join(', ')}]`;

const YAML_WORDS = /^(true|false|null|yes|no|on|off)$/i;

function unknownClasses(unknown: readonly string[], names: readonly string[], folder: string): Fault {
  const meant = unknown.flatMap((name) => nearest(name, names) ?? []);
  const hint = meant.length > 0 ? ` (did you mean ${meant.join(', ')}?)` : '';
  return {
    key: 'data.classes',
    problem: `${unknown.join(', ')}: no such label in ${folder}, which has ${names.slice(1).join(', ')}${hint}`,
    remedy: `give data.label_map, or names of the data set: "${classesLine(names)}"`,
  };
}

const ignored = (folder: string): Fault => ({
  key: 'data.classes',
  problem: `the label \`ignore\` of ${folder} would be learnt as background`,
  remedy: 'give data.label_map and say so, or make it a class with a class weight of 0 (loss.class_weights)',
});

/** nnU-Net's regions may share values; a voxel here has one class. */
function overlapOf(map: LabelMap): Fault | undefined {
  const owner = new Map<number, string>();
  for (const [name, values] of Object.entries(map))
    for (const value of values) {
      const other = owner.get(value);
      if (other !== undefined)
        return {
          key: 'data.classes',
          problem: `the regions ${other} and ${name} share the label ${value}, and a voxel has one class`,
          remedy: 'say in data.label_map which values belong to which class',
        };
      owner.set(value, name);
    }
  return undefined;
}
