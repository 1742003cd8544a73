import { classOf, type LabelMap } from '../config/labelMap.ts';
import { DataError } from './dataError.ts';
import type { VoxelArray } from './volume.ts';

/** How the values of a label file become classes. */
export interface LabelOptions {
  /** Names of the classes, background first. */
  readonly classes: readonly string[];
  /** For a class, by name or index, the values that belong to it; all others are background. Values are indices when absent. */
  readonly label_map?: LabelMap | undefined;
}

/** Values of label files reach this far; atlases number their regions in thousands. */
const TABLE_SIZE = 65536;
const UNKNOWN = -1;

/** The class of every value, or a DataError that names the values with none. */
export function classIndices(file: string, values: VoxelArray, options: LabelOptions): Uint8Array {
  const table = classTable(file, options);
  const labels = new Uint8Array(values.length);
  const others = options.label_map ? 0 : UNKNOWN;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    // A value that is no whole number, or beyond the table, finds nothing there.
    const found = table[value] ?? (Number.isInteger(value) ? others : UNKNOWN);
    if (found === UNKNOWN) throw unknownValues(file, values, table, options);
    labels[i] = found;
  }
  return labels;
}

function classTable(file: string, { classes, label_map: map }: LabelOptions): Int16Array {
  if (classes.length > 256) throw new DataError(file, `${classes.length} classes are asked for`, 'Give at most 256');
  const table = new Int16Array(TABLE_SIZE).fill(map ? 0 : UNKNOWN);
  if (!map) {
    for (let index = 0; index < classes.length; index++) table[index] = index;
    return table;
  }
  for (const [name, sources] of Object.entries(map)) {
    const index = classOf(name, classes);
    if (index === undefined)
      throw new DataError(file, `data.label_map names ${name}, which is no class`, `Classes are ${classes.join(', ')}`);
    for (const value of sources) {
      if (!(Number.isInteger(value) && value >= 0 && value < TABLE_SIZE))
        throw new DataError(
          file,
          `data.label_map.${name} holds ${value}`,
          `Give whole numbers from 0 to ${TABLE_SIZE - 1}`,
        );
      table[value] = index;
    }
  }
  return table;
}

function unknownValues(
  file: string,
  values: VoxelArray,
  table: Int16Array,
  { classes, label_map }: LabelOptions,
): DataError {
  const counts = new Map<number, number>();
  for (const value of values) {
    const known = label_map ? Number.isInteger(value) : (table[value] ?? UNKNOWN) !== UNKNOWN;
    if (!known && (counts.has(value) || counts.size < 100)) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const named = [...counts].toSorted(([a], [b]) => a - b).map(([value, count]) => `${value} (${count} voxels)`);
  const shown = named.length > 6 ? `${named.slice(0, 6).join(', ')} and more` : named.join(', ');
  const whole = [...counts.keys()].every(Number.isInteger);
  return new DataError(
    file,
    `the label map holds ${shown}; the ${classes.length} classes of data.classes are 0 to ${classes.length - 1}`,
    whole
      ? 'Add the missing classes, or say in data.label_map which values belong to which class'
      : 'Labels are whole numbers: was the file resampled other than by nearest neighbour, or is it an image?',
  );
}

/** Voxel indices of every class but the background, to choose crops from. `voxels[0]` is empty. */
export function voxelsByClass(labels: Uint8Array, classes: number): readonly Uint32Array[] {
  const counts = new Uint32Array(Math.max(classes, 256));
  for (const label of labels) counts[label]! += 1;
  const lists = Array.from({ length: classes }, (_, index) => new Uint32Array(index === 0 ? 0 : counts[index]!));
  const filled = new Uint32Array(classes);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (label !== 0) lists[label]![filled[label]!++] = i;
  }
  return lists;
}
