import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReplyTo, RequestOf } from '../transport/protocol.ts';

/** Whether a folder is the one in which the coordinator wrote a file: the same words are in it. Leaves another file there. */
export async function lookInto({
  folder,
  file,
  words,
}: RequestOf<'look'>): Promise<Omit<ReplyTo<'look'>, 'kind' | 'id'>> {
  try {
    const found = await readFile(join(folder, file), 'utf8');
    if (found !== words) return { problem: `${file} is another there` };
    const wrote = `${file}-${process.pid}`;
    await writeFile(join(folder, wrote), words, { flag: 'wx' });
    return { wrote };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
