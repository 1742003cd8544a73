import { compareCases, type Compared } from './acrossCases.ts';
import { inspectCase } from './inspectCase.ts';
import type { Inspection } from './inspection.ts';
import type { Subject } from './subject.ts';

export type { InspectedCase, Inspection, Problem } from './inspection.ts';
export { dataBlock } from './dataBlock.ts';
export { subjectOfDataSet, subjectOfRun } from './subject.ts';

export interface InspectOptions {
  readonly signal: AbortSignal;
  readonly report: (progress: { readonly done: number; readonly all: number; readonly name: string }) => void;
}

/** Reads every file once, a volume at a time, and finds all that is wrong, not only the first. Throws where it is stopped. */
export async function inspect(
  { cases, expectation, problems }: Subject,
  { signal, report }: InspectOptions,
): Promise<Inspection> {
  const found: Compared[] = [];
  for (const [done, { files, set }] of cases.entries()) {
    signal.throwIfAborted();
    report({ done, all: cases.length, name: files.name });
    const { digest, ...findings } = await inspectCase(files, expectation);
    found.push({ files, digest, found: { name: files.name, set, ...findings } });
  }
  return {
    names: expectation.labels.names,
    cases: found.map((each) => each.found),
    across: [...problems, ...compareCases(found, expectation)],
  };
}
