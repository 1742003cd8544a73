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
  const rule = ruleOf(spec);
  if ('problem' in rule) return rule;
  const chosen = rule.by === 'list' ? byList(cases, rule.validation) : drawn(cases, rule, seed);
  if ('problem' in chosen) return chosen;
  const train = cases.filter((each) => !chosen.has(each));
  if (train.length === 0)
    return { key: 'data.split', problem: `all ${cases.length} cases validate`, remedy: 'leave some to train on' };
  return { train, validation: cases.filter((each) => chosen.has(each)) };
}

type Rule =
  | { readonly by: 'seed'; readonly validation: number }
  | { readonly by: 'folds'; readonly folds: number; readonly fold: number }
  | { readonly by: 'list'; readonly validation: readonly string[] };

/** Keys that belong together, or what is missing or too much. */
function ruleOf({ by, validation, folds, fold }: SplitSpec): Rule | Fault {
  const foreign = by === 'folds' ? { validation } : { folds, fold };
  const key = Object.keys(foreign).find((name) => foreign[name as keyof typeof foreign] !== undefined);
  if (key !== undefined)
    return { key: `data.split.${key}`, problem: `does not belong to by: ${by}`, remedy: 'take it away' };
  if (by === 'folds') {
    if (folds !== undefined && fold !== undefined) return { by, folds, fold };
    const missing = folds === undefined ? 'folds' : 'fold';
    return {
      key: `data.split.${missing}`,
      problem: 'is missing',
      remedy: 'give for instance {by: folds, folds: 5, fold: 0}',
    };
  }
  if (by === 'seed' && typeof validation === 'number') return { by, validation };
  if (by === 'list' && typeof validation === 'object') return { by, validation };
  const remedy = by === 'seed' ? 'give a share, such as 0.2' : 'give a list of names of cases';
  const problem = validation === undefined ? 'is missing' : `is ${JSON.stringify(validation)} for by: ${by}`;
  return { key: 'data.split.validation', problem, remedy };
}

const nameOfCase = ({ name, image }: CaseSpec): string => name ?? nameOf(typeof image === 'string' ? image : image[0]!);

function drawn(
  cases: readonly CaseSpec[],
  spec: Exclude<Rule, { by: 'list' }>,
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
