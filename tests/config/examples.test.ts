import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { loadRunFile } from '../../src/config/loadRunFile.ts';
import { PHANTOM_CLASSES } from '../../src/data/phantom/structures.ts';

const folder = fileURLToPath(new URL('../../examples/', import.meta.url));
const examples = readdirSync(folder).filter((name) => existsSync(`${folder}${name}/run.yaml`));

test('the examples are found', () => {
  expect(examples).toEqual(expect.arrayContaining(['brain9', 'coplenet', 'decathlon-liver', 'lamp-han']));
});

describe.each(examples)('examples/%s', (name) => {
  const { run } = loadRunFile(`${folder}${name}/run.yaml`, [], { checkFiles: false });

  test('is a run file without a fault, named as its folder', () => {
    expect(run.name).toBe(name);
  });
});

describe.each(['coplenet', 'decathlon-liver', 'lamp-han'])('examples/%s/README.md', (name) => {
  const text = readFileSync(`${folder}${name}/README.md`, 'utf8');

  test('says where the data is from, under which licence, and how to run it on phantoms', () => {
    expect(text).toMatch(/^## The data$/m);
    expect(text).toMatch(/licence/i);
    expect(text).toMatch(/lamp phantom --output/);
  });

  test('gives keys to set that are right', () => {
    const [command = ''] = text.match(/lamp train examples\/[^]*?(?=\n```|\n\n)/) ?? [];
    const overrides = [...command.matchAll(/--set (?:'([^']+)'|(\S+))/g)].map(([, quoted, plain]) => quoted ?? plain!);
    expect(overrides.length).toBeGreaterThan(0);
    expect(() => loadRunFile(`${folder}${name}/run.yaml`, overrides, { checkFiles: false })).not.toThrow();
  });
});

test('the head and neck names are those of the phantom', () => {
  expect(loadRunFile(`${folder}lamp-han/run.yaml`, [], { checkFiles: false }).run.data.classes).toEqual(
    PHANTOM_CLASSES,
  );
});
