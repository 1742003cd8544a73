import { loadRunFile, type LoadedRunFile, type LoadOptions } from '../config/loadRunFile.ts';
import { expandData } from '../data/sets/index.ts';

/** Reads and checks a run file, with lists of cases in place of a data set's folder and of a split. Throws a RunFileError. */
export const loadRun = (
  file: string,
  overrides: readonly string[] = [],
  options: Omit<LoadOptions, 'expand'> = {},
): LoadedRunFile => loadRunFile(file, overrides, { ...options, expand: expandData });
