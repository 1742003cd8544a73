import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { DataError } from '../dataError.ts';

/** dataset.json of a data set's folder, as `schema` has it. Throws a DataError. */
export function readDescription<T>(folder: string, schema: z.ZodType<T>): T {
  const file = join(folder, 'dataset.json');
  const parsed = schema.safeParse(parseJson(file));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.slice(0, 3).map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
  throw new DataError(file, `it is not as expected (${faults.join('; ')})`, 'Correct it');
}

/** Whether dataset.json has any of the keys. False where there is none that can be read. */
export function describes(folder: string, ...keys: readonly string[]): boolean {
  try {
    const content = parseJson(join(folder, 'dataset.json'));
    return typeof content === 'object' && content !== null && keys.some((key) => Object.hasOwn(content, key));
  } catch {
    return false;
  }
}

function parseJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new DataError(file, `it cannot be read (${(error as Error).message})`, 'Give the folder of a whole data set');
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new DataError(file, `it is not JSON (${(error as Error).message})`, 'Correct it');
  }
}

/** What lies in a folder, without hidden files (archives made on macOS leave `._` files); nothing where there is no folder. */
export function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith('.'))
      .toSorted();
  } catch {
    return [];
  }
}

export const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

export const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
