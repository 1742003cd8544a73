import { formatValue } from './schemaFaults.ts';
import { describeAllowed } from './allowed.ts';
import { schemaTree, variantNames, type SchemaNode } from './schemaTree.ts';

const opening = `# The run file

YAML. A key that is not in these tables is refused, with the nearest one that is. Where a default is given, the key may be left out; *required* says that it may not; a dash, that nothing is assumed. Every key can be set on the command line, as in \`lamp train run.yaml --set optimizer.lr=0.001\`; \`null\` there gives a key its default back. Paths are relative to the run file's folder.

This page is written by \`npm run docs\` from the schema in src/config.
`;

/** The documentation of every key of the run file, as Markdown: docs/run-file.md. */
export function runFileReference(): string {
  const properties = Object.entries(schemaTree.properties ?? {});
  const isSection = ([, node]: (typeof properties)[number]): boolean =>
    (node.properties ?? node.oneOf ?? itemOf(node)?.properties) !== undefined;
  const plain = properties.filter((property) => !isSection(property));
  const sections = properties.filter(isSection);
  return [
    opening,
    `## At the top\n\n${table(plain.map(([key, node]) => row(key, node, schemaTree)))}`,
    ...sections.map(([key, node]) => section(key, node)),
  ].join('\n');
}

function section(key: string, node: SchemaNode): string {
  const title = `## ${key}\n\n`;
  const item = itemOf(node);
  if (item) return `${title}${node.description ?? ''}\n\n${table(rowsOf(item, `${key}[n].`))}`;
  if (!node.oneOf) return [title + table(rowsOf(node, `${key}.`)), ...listedVariants(key, node)].join('\n');
  const chosen = (node.default as { name?: string } | undefined)?.name;
  const intro = chosen ? `\`${chosen}\` when left out.\n\n` : '';
  return title + intro + variantsOf(key, node.oneOf).join('\n');
}

/** A choice by name: a table each. */
const variantsOf = (key: string, variants: readonly SchemaNode[]): readonly string[] =>
  variants.map((variant) => {
    const { name, ...others } = variant.properties ?? {};
    const names = variantNames(variant).map((each) => `\`${key}.name: ${each}\``);
    const rows = rowsOf({ ...variant, properties: others }, `${key}.`);
    return `### ${names.join(', ')}\n\n${name?.description ?? ''}\n\n${table(rows)}`;
  });

/** The choices that stand in the lists of a section, as in `data.transforms`. */
const listedVariants = (key: string, node: SchemaNode): readonly string[] =>
  Object.entries(node.properties ?? {}).flatMap(([name, child]) =>
    variantsOf(`${key}.${name}[n]`, itemOf(child)?.oneOf ?? []),
  );

/** What a list holds. */
const itemOf = (node: SchemaNode): SchemaNode | undefined => node.items || undefined;

function rowsOf(node: SchemaNode, prefix: string): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const key = prefix + name;
    if (child.properties) {
      const own = child.description ? [row(key, child, node)] : [];
      return [...own, ...rowsOf(child, `${key}.`)];
    }
    const item = itemOf(child);
    const inner = item?.properties ? rowsOf(item, `${key}[n].`) : [];
    return [row(key, child, node), ...inner];
  });
}

function row(key: string, node: SchemaNode, parent: SchemaNode): string {
  const name = key.split('.').at(-1)!;
  const required = parent.required?.includes(name) === true;
  const held = required
    ? '*required*'
    : node.default === undefined
      ? '—'
      : `\`${typeof node.default === 'string' ? node.default : formatValue(node.default)}\``;
  const cells = [`\`${key}\``, describeAllowed(node), held, node.description ?? ''];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function table(rows: readonly string[]): string {
  return `| key | allowed | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}
