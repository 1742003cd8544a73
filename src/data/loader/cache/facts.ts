import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CaseFiles } from '../../caseFiles.ts';
import type { CaseOptions } from '../../dataset.ts';

/** Path, size and time of change of every file of a case: while they stay, so does what was read from them. */
export async function factsOf({ images, label }: CaseFiles): Promise<string> {
  const files = [...images, ...(typeof label === 'string' ? [label] : Object.values(label))];
  const facts = files.map(async (file) => {
    // What is not there is for whoever reads it to tell.
    const found = await stat(file).catch(() => undefined);
    return [file, found?.size, found?.mtimeMs];
  });
  return JSON.stringify(await Promise.all(facts));
}

/** Name of the file that a case is kept in: whatever could change its content changes the name. */
export function cacheName(files: CaseFiles, facts: string, options: CaseOptions): string {
  const structures = typeof files.label === 'string' ? [] : Object.keys(files.label);
  const subject = [facts, files.name, structures, options, codeVersion()];
  return `${createHash('sha256').update(JSON.stringify(subject)).digest('hex').slice(0, 32)}.safetensors`;
}

let version: string | undefined;

/** Digest of the code of `data`: what another version of it made is not taken. */
function codeVersion(): string {
  if (version !== undefined) return version;
  const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
  const hash = createHash('sha256');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.[jt]s$/.test(name));
  for (const name of names.toSorted()) hash.update(`${name}\n`).update(readFileSync(join(folder, name)));
  return (version = hash.digest('hex'));
}
