import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runFileReference } from '../../src/config/reference.ts';
import { branches, leafPaths, nodeAt, schemaTree, type SchemaNode } from '../../src/config/schemaTree.ts';

test('docs/run-file.md is what the schema says (npm run docs)', () => {
  expect(readFileSync(new URL('../../docs/run-file.md', import.meta.url), 'utf8')).toBe(runFileReference());
});

test('every key has a description', () => {
  const undescribed = leafPaths().filter((path) => {
    const node = nodeAt(path.split('.'));
    const described = (each: SchemaNode): boolean => each.description !== undefined;
    return !(node && (described(node) || branches(node).every(described)));
  });
  expect(undescribed).toEqual([]);
});

test('every key stands in the documentation', () => {
  const reference = runFileReference();
  expect(leafPaths().filter((path) => !reference.includes(`\`${path}`))).toEqual([]);
  expect(Object.keys(schemaTree.properties ?? {}).length).toBeGreaterThan(5);
});
