import { z } from 'zod';
import type { KeyPath } from './keyPath.ts';
import { runFileSchema } from './runFile.ts';

/** What we read of a JSON Schema node. */
export interface SchemaNode {
  readonly type?: 'integer' | 'number' | 'string' | 'boolean' | 'array' | 'object';
  readonly description?: string;
  /** What is allowed, in words, where the schema alone would not be plain. */
  readonly allowed?: string;
  readonly default?: unknown;
  readonly const?: string | number | boolean;
  readonly enum?: readonly (string | number)[];
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode | false;
  readonly prefixItems?: readonly SchemaNode[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
}

/** The run file's schema as plain data (JSON Schema): errors, `--set` and the documentation all read this one tree. */
export const schemaTree = z.toJSONSchema(runFileSchema, { io: 'input' }) as SchemaNode;

/** The forms that a node may take: itself, or the branches of its union. */
export const branches = (node: SchemaNode): readonly SchemaNode[] => node.oneOf ?? node.anyOf ?? [node];

/** The names that may stand in a variant's `name`, such as `adam` and `adamw`. */
export function variantNames(variant: SchemaNode): readonly string[] {
  const name = variant.properties?.['name'];
  return (name?.enum ?? (name?.const === undefined ? [] : [name.const])).map(String);
}

/** Of a choice by `name`, the variant that the data names; all of them where it names none. */
function chosen(node: SchemaNode, data: unknown): readonly SchemaNode[] {
  const name = node.oneOf && typeof data === 'object' && data !== null ? (data as { name?: unknown }).name : undefined;
  const fitting = branches(node).filter((variant) => variantNames(variant).includes(String(name)));
  return fitting.length > 0 ? fitting : branches(node);
}

/** The keys that an object node has, in the variant that the data names. */
export function keysAt(node: SchemaNode, data?: unknown): readonly string[] {
  return [...new Set(chosen(node, data).flatMap((branch) => Object.keys(branch.properties ?? {})))];
}

/** The node under a key, in the variant that the data names. */
export function childOf(node: SchemaNode, key: string | number, data: unknown): SchemaNode | undefined {
  const found = chosen(node, data).flatMap((branch) => {
    const next =
      typeof key === 'number'
        ? (branch.prefixItems?.[key] ?? (branch.items || undefined))
        : Object.entries(branch.properties ?? {}).find(([name]) => name === key)?.[1];
    return next ? [next] : [];
  });
  return found.length > 1 ? { anyOf: found } : found[0];
}

/** The node at a path; where a choice has several variants with that key and the data names none of them, their union. */
export function nodeAt(path: KeyPath, data?: unknown): SchemaNode | undefined {
  let node: SchemaNode | undefined = schemaTree;
  let value = data;
  for (const key of path) {
    if (!node) return undefined;
    node = childOf(node, key, value);
    value = typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[key] : undefined;
  }
  return node;
}

/** Every key path of the schema that holds a value and no further keys, without the elements of lists. */
export function leafPaths(node: SchemaNode = schemaTree, path: readonly string[] = []): readonly string[] {
  const keys = keysAt(node);
  if (keys.length === 0) return [path.join('.')];
  return keys.flatMap((key) => leafPaths(childOf(node, key, undefined), [...path, key]));
}
