import type { VoxelArray } from '../volume.ts';

/** What the values of label maps are called. */
export interface LabelNames {
  /** All labels, background first. */
  readonly names: readonly string[];
  /** The labels of a value; several where they are regions that overlap. */
  readonly ofValue: ReadonlyMap<number, readonly string[]>;
  /** Whether whole numbers without a name are background. */
  readonly othersAreBackground: boolean;
}

export interface LabelCounts {
  /** Voxels by label. */
  readonly counts: Readonly<Record<string, number>>;
  /** Values that belong to no label, with their voxels; of very many the first. */
  readonly unknown: readonly { readonly value: number; readonly voxels: number }[];
}

/** So many different values are told apart; an image that was taken for a label map has more. */
const MOST_UNKNOWN = 1000;

const TABLE = 65536;

/** Counts the voxels of every label. */
export function countLabels(values: VoxelArray, { names, ofValue, othersAreBackground }: LabelNames): LabelCounts {
  const whole = new Float64Array(TABLE);
  const odd = new Map<number, number>();
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value >= 0 && value < TABLE && Number.isInteger(value)) whole[value]! += 1;
    else if (odd.has(value) || odd.size < MOST_UNKNOWN) odd.set(value, (odd.get(value) ?? 0) + 1);
  }
  const counts = new Map(names.map((name) => [name, 0]));
  const add = (name: string, voxels: number): void => void counts.set(name, (counts.get(name) ?? 0) + voxels);
  const unknown: { value: number; voxels: number }[] = [];
  whole.forEach((voxels, value) => voxels > 0 && odd.set(value, voxels));
  for (const [value, voxels] of odd) {
    const owners = ofValue.get(value);
    if (owners) owners.forEach((name) => add(name, voxels));
    else if (othersAreBackground && Number.isInteger(value)) add(names[0]!, voxels);
    else unknown.push({ value, voxels });
  }
  return { counts: Object.fromEntries(counts), unknown: unknown.toSorted((a, b) => a.value - b.value) };
}
