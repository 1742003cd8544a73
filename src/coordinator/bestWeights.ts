import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bestFolder, phasesFolder, runFiles } from '../telemetry/runDirectory.ts';
import type { TrainEvent } from '../telemetry/trainEvent.ts';
import type { Improvement } from './bestSoFar.ts';
import type { Pipeline } from './pipeline.ts';
import { saveWeights } from './weightsFile.ts';

export interface KeepingOptions {
  readonly directory: string;
  /** Of the run, for the files' metadata. */
  readonly name: string;
  /** Whose weights are kept. */
  readonly what: 'parameters' | 'teacher';
  readonly report: (event: TrainEvent) => void;
}

/**
 * Keeps the weights of a phase on disk: those of the best validation, by mean Dice (`weights.safetensors`) and for every structure
 * (`best/<structure>.safetensors`), and the last. What one validation is the best of is written once; the other names are links.
 */
export class BestWeights {
  readonly #pipeline: Pipeline;
  readonly #options: KeepingOptions;
  #kept = false;

  /** @param kept whether validations of this phase have kept weights before */
  constructor(pipeline: Pipeline, options: KeepingOptions, kept = false) {
    this.#pipeline = pipeline;
    this.#options = options;
    this.#kept = kept;
  }

  /** After a validation. */
  async keep({ mean, structures }: Improvement, epoch: number): Promise<void> {
    const { directory } = this.#options;
    // What a phase before has left is not of this one.
    if (!this.#kept) await rm(join(directory, bestFolder), { recursive: true, force: true });
    const names = [...(mean ? [runFiles.weights] : []), ...structures.map(structureFile)];
    const [first, ...others] = names;
    if (first === undefined) return;
    this.#kept = true;
    await this.#save(first, `best of epoch ${epoch}`);
    for (const name of others) await linkFile(join(directory, first), join(directory, name));
  }

  /** At the end, however it came: the last weights, which are the result where nothing was validated. */
  async keepLast(step: number): Promise<void> {
    const validated = this.#kept;
    if (!validated) await rm(join(this.#options.directory, runFiles.lastWeights), { force: true });
    await this.#save(validated ? runFiles.lastWeights : runFiles.weights, `after step ${step}`);
  }

  async #save(name: string, when: string): Promise<void> {
    const { directory, name: run, what, report } = this.#options;
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    await saveWeights(this.#pipeline, path, { what, metadata: { run, when } });
    report({ kind: 'saved', path, what: 'weights' });
  }
}

/** Where a phase's result is kept under the phase's name. */
export const phaseFile = (directory: string, phase: string): string =>
  join(directory, phasesFolder, `${phase}.safetensors`);

export async function keepPhase(directory: string, phase: string): Promise<void> {
  await linkFile(join(directory, runFiles.weights), phaseFile(directory, phase));
}

/**
 * Where a phase is gone on from that had ended before, the run's result is that phase's once more: the one after it may have written
 * over that, and left nothing to go on from.
 */
export async function restorePhase(directory: string, phase: string): Promise<void> {
  const file = phaseFile(directory, phase);
  if (existsSync(file)) await linkFile(file, join(directory, runFiles.weights));
}

/** A structure's name may hold what a file's name may not. */
const structureFile = (structure: string): string => join(bestFolder, `${encodeURIComponent(structure)}.safetensors`);

/** Another name for a file, in the place of whatever has it; a copy where the file system knows no links. */
async function linkFile(from: string, to: string): Promise<void> {
  const temporary = `${to}.new`;
  await mkdir(dirname(to), { recursive: true });
  await rm(temporary, { force: true });
  await link(from, temporary).catch(() => copyFile(from, temporary));
  await rename(temporary, to);
  // Where both names are of one file already, `rename` does nothing.
  await rm(temporary, { force: true });
}
