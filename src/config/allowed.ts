import { branches, variantNames, type SchemaNode } from './schemaTree.ts';

/** What a node of the schema allows, in words: "a whole number of at least 1, or auto". */
export function describeAllowed(node: SchemaNode): string {
  if (node.allowed) return node.allowed;
  if (node.oneOf) return `a mapping with a name (${alternatives(node.oneOf.flatMap(variantNames))}) and its keys`;
  const forms = branches(node);
  if (forms.length > 1) return alternatives([...new Set(forms.flatMap(choices))]);
  if (node.const !== undefined) return String(node.const);
  if (node.enum) return alternatives(node.enum.map(String));
  switch (node.type ?? 'object') {
    case 'integer':
      return `a whole number${describeRange(node, 1)}`;
    case 'number':
      return `a number${describeRange(node, 0)}`;
    case 'string':
      return 'text';
    case 'boolean':
      return 'true or false';
    case 'array':
      return describeList(node);
    case 'object':
      return `a mapping with the keys ${Object.keys(node.properties ?? {}).join(', ')}`;
  }
}

const choices = (node: SchemaNode): readonly string[] => node.enum?.map(String) ?? [describeAllowed(node)];

function alternatives(words: readonly string[]): string {
  if (words.length === 1) return words[0]!;
  // Phrases that hold a comma of their own come last.
  const phrase = words.find((word) => word.includes(','));
  if (phrase) return `${alternatives(words.filter((word) => word !== phrase))}, or ${phrase}`;
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** `step` 1 for whole numbers, where "above 0" is "at least 1". */
function describeRange(node: SchemaNode, step: 0 | 1): string {
  const above = step === 0 ? node.exclusiveMinimum : undefined;
  const least = step === 1 && node.exclusiveMinimum !== undefined ? node.exclusiveMinimum + 1 : node.minimum;
  // zod caps whole numbers at the largest that a double holds, which nobody needs to be told.
  const most = node.maximum === Number.MAX_SAFE_INTEGER ? undefined : node.maximum;
  const below = node.exclusiveMaximum;
  if (least !== undefined && most !== undefined) return ` from ${least} to ${most}`;
  const parts = [
    above !== undefined && `above ${above}`,
    least !== undefined && `of at least ${least}`,
    most !== undefined && `of at most ${most}`,
    below !== undefined && `below ${below}`,
  ].filter((part) => part !== false);
  return parts.length > 0 ? ` ${parts.join(' and ')}` : '';
}

function describeList(node: SchemaNode): string {
  const { minItems: least = 0, maxItems: most } = node;
  const size =
    least === most
      ? ` of ${least}`
      : most !== undefined
        ? ` of ${least} to ${most}`
        : least > 0
          ? ` of ${least} or more`
          : '';
  const item = node.prefixItems?.[0] ?? (node.items || undefined);
  return `a list${size}${item ? `, each ${describeAllowed(item)}` : ''}`;
}
