import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** From the top of the house to its bottom; a folder imports only from itself and from floors below its own. */
const floors = [
  ['cli'],
  ['dashboard'],
  ['coordinator'],
  ['worker'],
  // Inference reads whole images.
  ['inference'],
  ['data'],
  ['checkpoint', 'telemetry'],
  ['transport'],
  // The best partition is the one whose schedule is simulated to end first.
  ['partition'],
  ['pipeline'],
  ['models'],
  ['losses', 'metrics', 'optimizers'],
  ['layers'],
  ['engine'],
  ['config', 'random'],
] as const;

/** Packages that only one folder may know. */
const owners: readonly { readonly packages: RegExp; readonly folder: string }[] = [
  { packages: /^@tensorflow\//, folder: 'engine' },
  { packages: /^zeromq$/, folder: 'transport' },
  { packages: /^(protobufjs|onnxruntime)/, folder: 'checkpoint' },
];

const sources = fileURLToPath(new URL('../src', import.meta.url));

interface Import {
  readonly file: string;
  readonly folder: string;
  readonly specifier: string;
  /** The folder that a relative import leads to. */
  readonly target: string | undefined;
}

const imports: Import[] = readdirSync(sources, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) =>
    specifiersIn(readFileSync(join(sources, file), 'utf8')).map((specifier) => toImport(file, specifier)),
  );

/** What a source imports: statically, dynamically, as types, or by require. */
function specifiersIn(source: string): string[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const forms = /(?:^|[^.\w])(?:from|import|import\(|require\(|require\.resolve\()\s*['"]([^'"]+)['"]/gm;
  return [...code.matchAll(forms)].map(([, specifier]) => specifier!);
}

function toImport(file: string, specifier: string): Import {
  const target = specifier.startsWith('.') ? join(dirname(file), specifier).split('/')[0] : undefined;
  return { file, folder: file.split('/')[0]!, specifier, target };
}

const floorOf = (folder: string): number => floors.findIndex((floor) => (floor as readonly string[]).includes(folder));

test('the imports are found', () => {
  expect(imports.length).toBeGreaterThan(100);
  expect(
    specifiersIn("import type { a } from './a.ts';\nexport * from \"b\";\nawait import('c');\nrequire('d');"),
  ).toEqual(['./a.ts', 'b', 'c', 'd']);
});

test('every folder has its floor', () => {
  expect([...new Set(imports.map(({ folder }) => folder))].filter((folder) => floorOf(folder) < 0)).toEqual([]);
});

test('a folder imports only from folders below it', () => {
  const uphill = imports.filter(
    ({ folder, target }) => target !== undefined && target !== folder && floorOf(target) <= floorOf(folder),
  );
  expect(uphill.map(({ file, specifier }) => `${file} imports ${specifier}`)).toEqual([]);
});

test.each(owners)('only $folder imports $packages', ({ packages, folder }) => {
  const strangers = imports.filter((each) => packages.test(each.specifier) && each.folder !== folder);
  expect(strangers.map(({ file, specifier }) => `${file} imports ${specifier}`)).toEqual([]);
});
