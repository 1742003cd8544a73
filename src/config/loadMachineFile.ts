import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { formatKeyPath, type KeyPath } from './keyPath.ts';
import { machineSchema, type MachineFile } from './schema/machine.ts';

/** A description of a machine that cannot be used: every fault, by its key. */
export class MachineFileError extends Error {
  override readonly name = 'MachineFileError';
  readonly file: string;
  readonly faults: readonly string[];

  constructor(file: string, faults: readonly string[], options?: ErrorOptions) {
    const remedy = 'examples/machines/ has some that are right';
    super(`${file} does not describe a machine: ${faults.join('; ')}; ${remedy}`, options);
    this.file = file;
    this.faults = faults;
  }
}

/** Reads the description of a machine (YAML). Throws a MachineFileError with every fault. */
export const loadMachineFile = (path: string): MachineFile => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new MachineFileError(path, [`cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`], {
      cause,
    });
  }
  return parseMachineFile(text, path);
};

/** The same for text; `file` names it in errors. */
export const parseMachineFile = (text: string, file: string): MachineFile => {
  let data: unknown;
  try {
    data = parse(text);
  } catch (cause) {
    throw new MachineFileError(file, [`no YAML: ${cause instanceof Error ? cause.message : String(cause)}`], { cause });
  }
  const result = machineSchema.safeParse(data);
  if (!result.success)
    throw new MachineFileError(
      file,
      result.error.issues.map(({ path, message }) => `${formatKeyPath(path as KeyPath) || 'the file'}: ${message}`),
    );
  const faults = strayLinks(result.data);
  if (faults.length > 0) throw new MachineFileError(file, faults);
  return result.data;
};

/** Links to workers that there are not, or from one to itself. */
const strayLinks = ({ workers, links }: MachineFile): string[] => {
  const all = workers.reduce((sum, { count }) => sum + count, 0);
  return links.flatMap(({ from, to }, index) => {
    if (from !== to && from < all && to < all) return [];
    return [`links.${index}: ${from} to ${to}, but the workers are 0 to ${all - 1}, and a link joins two of them`];
  });
};
