/** What each parameter of a network is called in a file. */
export interface NameMatch {
  readonly names: ReadonlyMap<string, string>;
  readonly unexpected: readonly string[];
  /** Why it cannot be told which tensor is meant; empty where it can. */
  readonly ambiguous: readonly string[];
}

/**
 * Finds the parameters of a network among a file's names, which may have one wrapper's prefix before them: `module.` (PyTorch's
 * DataParallel), `partitions.0.` (torchgpipe, another number for each partition), `model.`, `state_dict.` … The bare names win;
 * else the one prefix that has them all. BatchNorm's `num_batches_tracked`, which nothing here reads, is ignored.
 */
export function matchNames(wanted: readonly string[], held: readonly string[]): NameMatch {
  const known = new Set(wanted);
  const candidates = held.filter((name) => !name.endsWith('num_batches_tracked'));
  const wrappers = new Map<string, Map<string, string>>();
  const twice: string[] = [];
  for (const name of candidates) {
    const parameter = longestEnd(name, known);
    if (parameter === undefined) continue;
    const wrapper = name
      .slice(0, name.length - parameter.length)
      .replaceAll(/(?<=^|\.)partitions\.\d+\./g, 'partitions.*.');
    const found = wrappers.get(wrapper) ?? new Map<string, string>();
    const before = found.get(parameter);
    if (before !== undefined) twice.push(`${parameter} is there twice: ${before} and ${name}`);
    wrappers.set(wrapper, found.set(parameter, name));
  }
  const complete = [...wrappers].filter(([, found]) => found.size === known.size);
  const chosen = wrappers.get('')?.size === known.size ? [''] : complete.map(([wrapper]) => wrapper);
  const names = wrappers.get(chosen[0] ?? largest(wrappers)) ?? new Map<string, string>();
  const taken = new Set(names.values());
  return {
    names,
    unexpected: candidates.filter((name) => !taken.has(name)),
    ambiguous: [...(chosen.length > 1 ? [severalTimes(chosen)] : []), ...twice],
  };
}

/** The longest name among `known` that `name` is or, behind a dot, ends with. */
function longestEnd(name: string, known: ReadonlySet<string>): string | undefined {
  for (let start = 0; ;) {
    const end = name.slice(start);
    if (known.has(end)) return end;
    const dot = name.indexOf('.', start);
    if (dot < 0) return undefined;
    start = dot + 1;
  }
}

const severalTimes = (wrappers: readonly string[]): string =>
  `the whole network is there ${wrappers.length} times, under ${wrappers.join(' and ')}: keep one of them in the file`;

function largest(wrappers: ReadonlyMap<string, ReadonlyMap<string, string>>): string {
  let [most, size] = ['', 0];
  for (const [wrapper, found] of wrappers) if (found.size > size) [most, size] = [wrapper, found.size];
  return most;
}
