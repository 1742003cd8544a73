import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { formatKeyPath, type KeyPath } from './keyPath.ts';
import { cellsSchema, type CellSpec } from './schema/cells.ts';

/** A file of cells that cannot be used: every fault, by its key. */
export class ModelFileError extends Error {
  override readonly name = 'ModelFileError';
  readonly file: string;
  readonly faults: readonly string[];

  constructor(file: string, faults: readonly string[], options?: ErrorOptions) {
    const remedy = 'docs/your-own-model.md says what a cell is';
    super(`${file} does not describe a model: ${faults.join('; ')}; ${remedy}`, options);
    this.file = file;
    this.faults = faults;
  }
}

const modelFileSchema = z.strictObject({ cells: cellsSchema });

/** Reads the cells of a model of the user's own (YAML, one key `cells`). Throws a ModelFileError with every fault. */
function loadModelFile(path: string): readonly CellSpec[] {
  let data: unknown;
  try {
    data = parse(readFileSync(path, 'utf8'), { merge: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ModelFileError(path, [`it cannot be read: ${reason}`], { cause });
  }
  const result = modelFileSchema.safeParse(data);
  if (result.success) return result.data.cells;
  throw new ModelFileError(
    path,
    result.error.issues.map(({ path: key, message }) => `${formatKeyPath(key as KeyPath) || 'the file'}: ${message}`),
  );
}

/** What a run file says, with a model's cells in place of the file that holds them. Throws a ModelFileError. */
export function withCells(data: unknown, folder: string): unknown {
  const model = isRecord(data) ? data['model'] : undefined;
  if (!isRecord(model) || typeof model['file'] !== 'string' || model['cells'] !== undefined) return data;
  const { file, ...rest } = model;
  return { ...(data as object), model: { ...rest, cells: loadModelFile(resolve(folder, file)) } };
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
