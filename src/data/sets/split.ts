import type { SplitSpec } from '../../config/schema/dataSet.ts';
import type { CaseSpec } from '../../config/runFile.ts';
import type { Fault } from '../../config/runFileError.ts';
import { RandomStream } from '../../random/stream.ts';
import { nameOf } from '../caseFiles.ts';

export interface Split {
  readonly train: readonly CaseSpec[];
  readonly validation: readonly CaseSpec[];
}

/**
 * Takes validation cases out of training cases, which keep their order on either side. What is drawn depends on the seed and on
 * the names of the cases, and not on the order in which they come. A fault where a side would be empty or a name is not known.
 */
export function splitCases(cases: readonly CaseSpec[], spec: SplitSpec, seed: number): Split | Fault {
  const chosen = spec.by === 'list' ? byList(cases, spec.validation) : drawn(cases, spec, seed);
  if ('problem' in chosen) return chosen;
  const train = cases.filter((each) => !chosen.has(each));
  if (train.length === 0)
    return { key: 'data.split', problem: `all ${cases.length} cases validate`, remedy: 'leave some to train on' };
  return { train, validation: cases.filter((each) => chosen.has(each)) };
}

const nameOfCase = ({ name, image }: CaseSpec): string => name ?? nameOf(typeof image === 'string' ? image : image[0]!);

function drawn(
  cases: readonly CaseSpec[],
  spec: Exclude<SplitSpec, { by: 'list' }>,
  seed: number,
): ReadonlySet<CaseSpec> | Fault {
  const key = (each: CaseSpec): string => JSON.stringify([nameOfCase(each), each.image]);
  const keyed = cases.map((each) => ({ each, key: key(each) }));
  const sorted = keyed.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ each }) => each);
  const order = new RandomStream(seed, 'split').shuffle(sorted);
  if (spec.by === 'folds') {
    const { folds, fold } = spec;
    if (fold >= folds)
      return { key: 'data.split.fold', problem: `fold ${fold} of ${folds}`, remedy: `give 0 to ${folds - 1}` };
    if (folds > cases.length)
      return {
        key: 'data.split.folds',
        problem: `${folds} folds of ${cases.length} cases`,
        remedy: `give at most ${cases.length}`,
      };
    return new Set(order.filter((_, place) => place % folds === fold));
  }
  const count = Math.round(spec.validation * cases.length);
  if (count === 0 || count === cases.length)
    return {
      key: 'data.split.validation',
      problem: `${spec.validation} of ${cases.length} cases is ${count} (rounded)`,
      remedy: 'give a share that leaves at least one case on either side',
    };
  return new Set(order.slice(0, count));
}

function byList(cases: readonly CaseSpec[], names: readonly string[]): ReadonlySet<CaseSpec> | Fault {
  const unknown = names.filter((name) => !cases.some((each) => nameOfCase(each) === name));
  if (unknown.length > 0) {
    const known = cases.map(nameOfCase);
    const shown = known.length > 8 ? `${known.slice(0, 8).join(', ')} and ${known.length - 8} more` : known.join(', ');
    return {
      key: 'data.split.validation',
      problem: `there is no training case ${unknown.join(', ')}`,
      remedy: `cases are ${shown}`,
    };
  }
  return new Set(cases.filter((each) => names.includes(nameOfCase(each))));
}
