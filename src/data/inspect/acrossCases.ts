import type { CaseFiles } from '../caseFiles.ts';
import type { Expectation, InspectedCase, Problem } from './inspection.ts';

/** A case with what tells it from others. */
export interface Compared {
  readonly files: CaseFiles;
  readonly found: InspectedCase;
  readonly digest: string | undefined;
}

/** What is to be seen only between cases: the same case twice, and what should be alike and is not. */
export function compareCases(
  cases: readonly Compared[],
  { labels: { names }, deformed }: Pick<Expectation, 'labels' | 'deformed'>,
): readonly Problem[] {
  // A training case that is deformed may validate, but none may come twice in its set.
  const repeated = (key: (each: Compared) => string | undefined, what: string, remedy: string): readonly Problem[] =>
    (deformed ? SETS.map((set) => cases.filter(({ found }) => found.set === set)) : [cases]).flatMap((some) =>
      repeatedIn(some, key, what, remedy),
    );
  return [
    ...repeated(({ found }) => found.name, 'the same name', 'Give every case a name of its own'),
    ...repeated(
      ({ digest }) => digest,
      'the same image',
      'Leave one of them out: a case that is trained on must not validate',
    ),
    ...repeated(
      ({ files }) => (typeof files.label === 'string' ? files.label : undefined),
      'the same label map',
      'Give every image its own',
    ),
    ...unlike(cases, 'error', 'channels', ({ channels }) => String(channels), 'Give every case the same channels'),
    ...unlike(
      cases,
      'warning',
      'axes',
      ({ axes }) => axes,
      'Turn them alike with {name: Orientation, axcodes: RAS} in data.transforms',
    ),
    ...unlike(
      cases,
      'warning',
      'spacings',
      ({ spacing }) => spacing.map((length) => Number(length.toPrecision(2))).join(' × '),
      'Resample them with {name: Spacing, pixdim: […]} in data.transforms',
    ),
    ...absent(cases, names),
  ];
}

const SETS = ['train', 'validation'] as const;

const listed = (cases: readonly Compared[]): string => {
  const names = cases.map(({ found }) => found.name);
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
};

function groups(cases: readonly Compared[], key: (each: Compared) => string | undefined): Map<string, Compared[]> {
  const found = new Map<string, Compared[]>();
  for (const each of cases) {
    const value = key(each);
    if (value !== undefined) found.set(value, [...(found.get(value) ?? []), each]);
  }
  return found;
}

const repeatedIn = (
  cases: readonly Compared[],
  key: (each: Compared) => string | undefined,
  what: string,
  remedy: string,
): readonly Problem[] =>
  [...groups(cases, key).values()]
    .filter((group) => group.length > 1)
    .map((group) => ({ severity: 'error', place: listed(group), problem: `these cases have ${what}`, remedy }));

/** What most cases have, and the others. */
function unlike(
  cases: readonly Compared[],
  severity: Problem['severity'],
  what: string,
  key: (image: NonNullable<InspectedCase['image']>) => string,
  remedy: string,
): readonly Problem[] {
  const found = groups(cases, ({ found: { image } }) => image && key(image));
  const sorted = [...found].toSorted(([, a], [, b]) => b.length - a.length);
  const [usual, ...others] = sorted;
  if (!usual || others.length === 0) return [];
  const odd = others.flatMap(([, group]) => group);
  const shown = sorted.slice(0, 4).map(([value, group]) => `${value} (${group.length})`);
  const more = sorted.length > 4 ? ` and ${sorted.length - 4} more` : '';
  return [{ severity, place: listed(odd), problem: `${what} differ: ${shown.join(', ')}${more}`, remedy }];
}

/** Structures that no case has. */
function absent(cases: readonly Compared[], names: readonly string[]): readonly Problem[] {
  const counted = cases.flatMap(({ found }) => (found.labels ? [found.labels] : []));
  if (counted.length === 0) return [];
  const none = names.slice(1).filter((name) => counted.every((counts) => (counts[name] ?? 0) === 0));
  if (none.length === 0) return [];
  const problem = `no case has a voxel of ${none.join(', ')}`;
  return [{ severity: 'warning', place: 'all cases', problem, remedy: 'Leave it out of data.classes' }];
}
