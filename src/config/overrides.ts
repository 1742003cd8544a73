import { parseDocument } from 'yaml';
import { formatKeyPath, parseKeyPath, valueAt, type KeyPath } from './keyPath.ts';
import type { Fault } from './runFileError.ts';
import { unknownKey } from './schemaFaults.ts';
import { childOf, nodeAt, schemaTree, type SchemaNode } from './schemaTree.ts';

export interface Overridden {
  readonly data: unknown;
  /** The paths that the command line said, for the errors that concern them. */
  readonly paths: readonly KeyPath[];
  readonly faults: readonly Fault[];
}

/** Lays `key.path=value` over the data of a run file. Values are YAML; `null` takes a key away, so that its default holds. */
export function applyOverrides(data: unknown, overrides: readonly string[]): Overridden {
  let result = data;
  const paths: KeyPath[] = [];
  const faults: Fault[] = [];
  for (const text of overrides) {
    const parsed = parseOverride(text);
    if ('problem' in parsed) {
      faults.push(parsed);
      continue;
    }
    const changed = withValue(result, parsed.path, parsed.value, schemaTree);
    if (changed === undefined) faults.push(noPlace(text, parsed.path, result));
    else result = changed;
    paths.push(parsed.path);
  }
  return { data: result, paths, faults };
}

const fault = (key: string, problem: string, remedy: string): Fault => ({
  key,
  origin: 'command line',
  problem,
  remedy,
});

function parseOverride(text: string): { path: KeyPath; value: unknown } | Fault {
  const equals = text.indexOf('=');
  const path = equals > 0 ? parseKeyPath(text.slice(0, equals).trim()) : undefined;
  if (!path) return fault('', `${text} is not of the form key.path=value`, 'for example optimizer.lr=0.001');
  const key = formatKeyPath(path);
  if (!nodeAt(path)) {
    const { problem, remedy } = unknownKey(path, undefined);
    return { key, origin: 'command line', problem, remedy };
  }
  const document = parseDocument(text.slice(equals + 1), { prettyErrors: false });
  if (document.errors.length > 0)
    return fault(key, `${text.slice(equals + 1)} is not YAML`, 'quote the text, or write a list as [1, 2]');
  return { path, value: document.toJS() as unknown };
}

/**
 * A copy with another value at the path, or without the key where the value is null; undefined where something on the way
 * is neither mapping nor list. What is not there yet starts as its default: `loss.focal_gamma=1` keeps `loss.name`.
 */
function withValue(data: unknown, path: KeyPath, value: unknown, node: SchemaNode | undefined): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const before = data ?? node?.default ?? (typeof key === 'number' ? [] : {});
  const removes = value === null && rest.length === 0;
  const inner = (held: unknown): unknown => withValue(held, rest, value, node && childOf(node, key, before));
  if (typeof key === 'number') {
    // A list grows by one at its end, but has no holes.
    if (!Array.isArray(before) || key > before.length) return undefined;
    if (removes) return before.toSpliced(key, 1);
    const item = inner(before[key]);
    return item === undefined ? undefined : before.toSpliced(key, 1, item);
  }
  if (typeof before !== 'object' || Array.isArray(before)) return undefined;
  if (removes) return Object.fromEntries(Object.entries(before).filter(([name]) => name !== key));
  const item = inner(valueAt(before, [key]));
  return item === undefined ? undefined : { ...before, [key]: item };
}

function noPlace(text: string, path: KeyPath, data: unknown): Fault {
  const end = path.findIndex((_, i) => {
    const value = valueAt(data, path.slice(0, i + 1));
    return value === undefined || typeof value !== 'object';
  });
  const reached = formatKeyPath(path.slice(0, end));
  const held = valueAt(data, path.slice(0, end));
  const remedy = Array.isArray(held)
    ? `${reached} has ${held.length} so far, counted from 0`
    : `set ${reached || formatKeyPath(path.slice(0, 1))} as a whole`;
  return fault(formatKeyPath(path), `${text} leads nowhere in this run file`, remedy);
}
