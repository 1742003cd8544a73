import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LineCounter, isMap, isNode, isPair, isScalar, isSeq, parseDocument, type Document } from 'yaml';
import { crossChecks } from './crossChecks.ts';
import { missingFiles } from './dataPaths.ts';
import { withCells } from './loadModelFile.ts';
import { parseKeyPath, type KeyPath } from './keyPath.ts';
import { applyOverrides } from './overrides.ts';
import { runFileSchema, type RunFile } from './runFile.ts';
import { RunFileError, type Fault } from './runFileError.ts';
import { schemaFaults } from './schemaFaults.ts';

export interface LoadedRunFile {
  readonly run: RunFile;
  /** The run file's folder, absolute: relative data paths resolve against it. */
  readonly baseDirectory: string;
}

/** The run with lists of cases in place of what stands for them, or as it was with what is wrong. */
type Expanded = { readonly run: RunFile; readonly faults: readonly Fault[] };

export interface LoadOptions {
  readonly checkFiles?: boolean;
  readonly expand?: (run: RunFile, baseDirectory: string) => Expanded;
}

interface Steps {
  readonly expand?: (run: RunFile) => Expanded;
  readonly furtherChecks?: (run: RunFile) => readonly Fault[];
}

/**
 * Reads a run file (YAML), lays `key.path=value` overrides over it, and checks it: the schema, the keys against one another,
 * and that the images exist (unless `checkFiles` is false). `expand` puts lists of cases in place of what stands for them. Throws
 * a RunFileError with every fault found.
 */
export function loadRunFile(
  path: string,
  overrides: readonly string[] = [],
  { checkFiles = true, expand }: LoadOptions = {},
): LoadedRunFile {
  const baseDirectory = dirname(resolve(path));
  const run = parseRunFile(readText(path), path, overrides, {
    furtherChecks: (parsed) => (checkFiles ? missingFiles(parsed, baseDirectory) : []),
    ...(expand ? { expand: (parsed) => expand(parsed, baseDirectory) } : {}),
  });
  return { run, baseDirectory };
}

/** The same for text; `file` names it in errors. */
export function parseRunFile(
  text: string,
  file: string,
  overrides: readonly string[] = [],
  { expand = (run) => ({ run, faults: [] }), furtherChecks = () => [] }: Steps = {},
): RunFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  if (document.errors.length > 0)
    throw new RunFileError(
      file,
      document.errors.map((error) => ({
        key: '',
        origin: { line: lines.linePos(error.pos[0]).line },
        problem: error.message,
      })),
    );
  const overridden = applyOverrides(document.toJS() ?? {}, overrides);
  const parsed = runFileSchema.safeParse(withCells(overridden.data, dirname(resolve(file))));
  const expanded = parsed.success ? expand(parsed.data) : undefined;
  const found = expanded
    ? [...expanded.faults, ...crossChecks(expanded.run), ...furtherChecks(expanded.run)]
    : schemaFaults(parsed.error!.issues, overridden.data);
  const located = found.map((fault) => locate(fault, document, lines, overridden.paths));
  const faults = [...overridden.faults, ...located];
  if (faults.length > 0 || !expanded) throw new RunFileError(file, faults);
  return expanded.run;
}

function readText(path: string): string {
  try {
    if (statSync(path).isDirectory())
      throw new RunFileError(path, [{ key: '', problem: 'is a folder', remedy: 'give the run file in it' }]);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof RunFileError) throw error;
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const problem = absent ? 'there is no such run file' : `cannot be read: ${(error as Error).message}`;
    throw new RunFileError(path, [{ key: '', problem, ...(absent ? { remedy: 'examples/ has some' } : {}) }]);
  }
}

function locate(fault: Fault, document: Document, lines: LineCounter, overridden: readonly KeyPath[]): Fault {
  const { key, problem, remedy } = fault;
  const path = parseKeyPath(key) ?? [];
  const told = { key, problem, ...(remedy ? { remedy } : {}) };
  // An override speaks for what it set, for what lies within, and for what is there only because of it.
  const commandLine: Fault = { ...told, origin: 'command line' };
  if (overridden.some((set) => startsWith(path, set))) return commandLine;
  const offset = offsetOf(document.contents, path);
  if (offset !== undefined) return { ...told, origin: { line: lines.linePos(offset).line } };
  return overridden.some((set) => path.length > 0 && startsWith(set, path)) ? commandLine : told;
}

const startsWith = (path: KeyPath, start: KeyPath): boolean => start.every((key, i) => key === path[i]);

/** Where in the text a path stands; undefined where it doesn't. */
function offsetOf(root: unknown, path: KeyPath): number | undefined {
  let node = root;
  let offset: number | undefined;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step),
      );
      if (!pair) return undefined;
      offset = isNode(pair.key) ? pair.key.range?.[0] : undefined;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number' && isNode(node.items[step])) {
      node = node.items[step];
      offset = (node as { range?: readonly number[] }).range?.[0];
    } else return undefined;
  }
  return offset;
}
