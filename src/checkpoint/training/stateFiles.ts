import { join } from 'node:path';
import { SafetensorsFile, type HostTensor } from '../safetensors.ts';
import { SafetensorsError } from '../safetensorsError.ts';
import type { TensorEntry } from '../safetensorsHeader.ts';
import { CheckpointError } from './checkpointError.ts';
import { readManifest } from './manifest.ts';
import { isPart } from './names.ts';

/**
 * The state of a network as the parts of a checkpoint hold it together, whichever worker wrote what. Keys are known from the
 * start; values are read when asked for, so that a worker takes only its own into memory.
 */
export class StateFiles {
  readonly path: string;
  readonly entries: ReadonlyMap<string, TensorEntry>;
  readonly #holders: ReadonlyMap<string, SafetensorsFile>;
  readonly #files: readonly SafetensorsFile[];

  private constructor(path: string, files: readonly SafetensorsFile[], holders: ReadonlyMap<string, SafetensorsFile>) {
    this.path = path;
    this.entries = new Map([...holders].map(([key, file]) => [key, file.entries.get(key)!]));
    this.#holders = holders;
    this.#files = files;
  }

  /** Throws a CheckpointError where a part is not sound, or a key is in two of them. Contents are not checked: `verifyCheckpoint`. */
  static async open(path: string): Promise<StateFiles> {
    const { files } = await readManifest(path);
    const open: SafetensorsFile[] = [];
    try {
      for (const { name } of files) if (isPart(name)) open.push(await openPart(join(path, name)));
      return new StateFiles(path, open, holdersOf(open));
    } catch (error) {
      await Promise.all(open.map((file) => file.close()));
      throw error;
    }
  }

  get keys(): readonly string[] {
    return [...this.entries.keys()];
  }

  /** The part that holds a key. */
  fileOf(key: string): string | undefined {
    return this.#holders.get(key)?.path;
  }

  /** In the order of the keys, each value in an array of its own. Throws a CheckpointError that names every key that is not there. */
  async read(keys: Iterable<string>): Promise<Map<string, HostTensor>> {
    const wanted = [...keys];
    const missing = wanted.filter((key) => !this.#holders.has(key));
    if (missing.length > 0) throw new CheckpointError(this.path, missingFault(missing));
    const tensors = new Map<string, HostTensor>();
    for (const key of wanted) {
      const file = this.#holders.get(key)!;
      const { shape, values } = await file.read(key).catch(unsound(file.path));
      tensors.set(key, { shape, values });
    }
    return tensors;
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.close()));
  }
}

const openPart = (path: string): Promise<SafetensorsFile> => SafetensorsFile.open(path).catch(unsound(path));

function holdersOf(files: readonly SafetensorsFile[]): ReadonlyMap<string, SafetensorsFile> {
  const holders = new Map<string, SafetensorsFile>();
  for (const file of files)
    for (const key of file.entries.keys()) {
      const other = holders.get(key);
      if (other)
        throw new CheckpointError(file.path, {
          problem: `holds ${key}, which ${other.path} holds, too`,
          remedy: another,
        });
      holders.set(key, file);
    }
  return holders;
}

const unsound =
  (path: string) =>
  (error: unknown): never => {
    const problem = error instanceof SafetensorsError ? error.fault : `cannot be read (${(error as Error).message})`;
    throw new CheckpointError(path, { problem, remedy: another }, { cause: error });
  };

const another = 'take another checkpoint of the run';

const MOST_LISTED = 10;

function missingFault(keys: readonly string[]): { problem: string; remedy: string } {
  const more = keys.length > MOST_LISTED ? ` and ${keys.length - MOST_LISTED} more` : '';
  return {
    problem: `does not hold ${keys.slice(0, MOST_LISTED).join(', ')}${more}`,
    remedy: 'see that the model and the optimizer in the run file are those that it was written with',
  };
}
