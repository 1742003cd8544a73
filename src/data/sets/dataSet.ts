import type { CaseSpec } from '../../config/runFile.ts';

export type DataSetFormat = 'decathlon' | 'nnunet' | 'han';

/** The labels of a data set: the values of its label maps by name, or names alone where a case has a mask a structure. */
export type DataSetLabels =
  | { readonly kind: 'values'; readonly values: Readonly<Record<string, readonly number[]>> }
  | { readonly kind: 'masks'; readonly names: readonly string[] };

/** A case of a data set: its name is always given. */
export type NamedCase = CaseSpec & { readonly name: string };

/** What a data set's folder says of itself. Its files were listed, and none was read. */
export interface DataSet {
  readonly format: DataSetFormat;
  /** Absolute. */
  readonly folder: string;
  /** What its channels show; undefined where it does not say. */
  readonly channels: readonly string[] | undefined;
  readonly labels: DataSetLabels;
  /** By name; paths are absolute. */
  readonly train: readonly NamedCase[];
  readonly validation: readonly NamedCase[];
  /** Files that do not fit what it says. */
  readonly faults: readonly { readonly file: string; readonly problem: string }[];
}

/** By their code units, so that it is the same in every language and on every file system. */
export const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

/** What its labels are called: `background` first where it is among them. */
export function labelNames(labels: DataSetLabels): readonly string[] {
  if (labels.kind === 'masks') return ['background', ...labels.names];
  const entries = Object.entries(labels.values).toSorted(([, a], [, b]) => Math.min(...a) - Math.min(...b));
  const names = entries.map(([name]) => name);
  const background = backgroundOf(labels.values);
  return background === undefined ? ['background', ...names] : [background, ...names.filter((n) => n !== background)];
}

/** The name of value 0. */
export const backgroundOf = (values: Readonly<Record<string, readonly number[]>>): string | undefined =>
  Object.keys(values).find((name) => values[name]!.includes(0));
