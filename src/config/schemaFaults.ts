import type { z } from 'zod';
import { describeAllowed } from './allowed.ts';
import { nearest } from './editDistance.ts';
import { formatKeyPath, valueAt, type KeyPath } from './keyPath.ts';
import type { Fault } from './runFileError.ts';
import { branches, keysAt, leafPaths, nodeAt, variantNames, type SchemaNode } from './schemaTree.ts';

type Located = Fault & { readonly path: KeyPath };

/** Says in our words what the schema found wrong with `data`. */
export function schemaFaults(issues: readonly z.core.$ZodIssue[], data: unknown): readonly Located[] {
  const faults = issues.flatMap((issue) => {
    const path = issue.path as KeyPath;
    if (issue.code !== 'unrecognized_keys') return [valueFault(path, data)];
    return issue.keys.map((key) => unknownKey([...path, key], data));
  });
  // A misspelt key is also a missing one: telling it once is enough.
  const meant = new Set(faults.flatMap((fault) => fault.meant ?? []));
  return faults.filter((fault) => fault.meant !== undefined || !(fault.missing && meant.has(fault.key)));
}

type Told = Located & { readonly missing?: boolean; readonly meant?: string };

/** A key that the schema does not have at that place. */
export function unknownKey(path: KeyPath, data: unknown): Told & { remedy: string } {
  const parentPath = path.slice(0, -1);
  const place = formatKeyPath(parentPath);
  const parent = nodeAt(parentPath, data);
  const told = { path, key: formatKeyPath(path), problem: 'no such key' };
  const owner = parent && variantWith(parent, String(path.at(-1)));
  if (owner) return { ...told, remedy: `it belongs to ${place}.name: ${owner}` };
  const keys = parent ? keysAt(parent, valueAt(data, parentPath)) : [];
  const meant = meantKey(path, keys);
  if (meant) return { ...told, remedy: `did you mean ${meant}?`, meant };
  return { ...told, remedy: `${place || 'the top level'} has ${keys.length > 0 ? keys.join(', ') : 'no keys'}` };
}

/** The sibling that is nearest; else the same name elsewhere; else the whole path that is nearest. */
function meantKey(path: KeyPath, siblings: readonly string[]): string | undefined {
  const word = String(path.at(-1));
  const sibling = nearest(word, siblings);
  if (sibling) return formatKeyPath([...path.slice(0, -1), sibling]);
  const leaves = leafPaths();
  const lastKey = (leaf: string): string => leaf.split('.').at(-1)!;
  const elsewhere = nearest(word, leaves.map(lastKey));
  return leaves.find((leaf) => lastKey(leaf) === elsewhere) ?? nearest(formatKeyPath(path), leaves);
}

/** Of a choice by name, the variants that do have a key. */
function variantWith(node: SchemaNode, key: string): string | undefined {
  if (!node.oneOf) return undefined;
  const names = node.oneOf.filter((variant) => variant.properties?.[key]).flatMap(variantNames);
  return names.length > 0 ? names.join(' or ') : undefined;
}

function valueFault(path: KeyPath, data: unknown): Told {
  const node = nodeAt(path, data);
  const value = valueAt(data, path);
  const key = formatKeyPath(path);
  const give = node ? `give ${describeAllowed(node)}` : undefined;
  const remedy = [give, node && meantValue(value, node)].filter(Boolean).join('; ');
  const problem = value === undefined ? 'is missing' : `${formatValue(value)} is not allowed`;
  return { path, key, problem, ...(remedy ? { remedy } : {}), missing: value === undefined };
}

function meantValue(value: unknown, node: SchemaNode): string | undefined {
  if (typeof value !== 'string') return undefined;
  const words = branches(node).flatMap((branch) => [...(branch.enum ?? []), branch.const ?? []].flat().map(String));
  const word = nearest(value, words);
  return word && `did you mean ${word}?`;
}

/** A value as it would stand in the file, cut where it is long. */
export function formatValue(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'nothing');
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
