/** What one worker gives another of a snapshot. */
export interface Handover {
  readonly from: string;
  readonly to: string;
  readonly keys: readonly string[];
}

/**
 * Who gives what to whom so that every worker has what it needs; undefined where nobody has some of it any more. Of several that
 * have a key the one that gives least so far gives it, so that they give side by side.
 *
 * @param held by worker, the keys that it has in memory
 * @param needed by worker, the keys of its part of the network
 */
export function planHandover(
  held: ReadonlyMap<string, ReadonlySet<string>>,
  needed: ReadonlyMap<string, readonly string[]>,
): readonly Handover[] | undefined {
  const given = new Map<string, string[]>();
  const load = new Map<string, number>();
  for (const [to, keys] of needed)
    for (const key of keys) {
      if (held.get(to)?.has(key)) continue;
      const from = leastLoaded(
        [...held].flatMap(([worker, own]) => (own.has(key) ? [worker] : [])),
        load,
      );
      if (from === undefined) return undefined;
      load.set(from, (load.get(from) ?? 0) + 1);
      const pair = JSON.stringify([from, to]);
      given.set(pair, [...(given.get(pair) ?? []), key]);
    }
  return [...given].map(([pair, keys]) => {
    const [from, to] = JSON.parse(pair) as [string, string];
    return { from, to, keys };
  });
}

/**
 * Which workers go on where there are more than have a place: who is left out has nothing that nobody else has, where that can be.
 *
 * @param held by worker, in order, the keys that it has in memory
 */
export function chosenOf(
  held: ReadonlyMap<string, ReadonlySet<string> | undefined>,
  places: number,
): readonly string[] {
  const chosen = new Set(held.keys());
  for (const worker of [...chosen].toReversed()) {
    if (chosen.size <= places) break;
    const others = new Set([...chosen].flatMap((other) => (other === worker ? [] : [...(held.get(other) ?? [])])));
    if ([...(held.get(worker) ?? [])].every((key) => others.has(key))) chosen.delete(worker);
  }
  return [...chosen].slice(0, places);
}

const leastLoaded = (workers: readonly string[], load: ReadonlyMap<string, number>): string | undefined =>
  workers.toSorted((a, b) => (load.get(a) ?? 0) - (load.get(b) ?? 0))[0];
