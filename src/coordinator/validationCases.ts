import type { RunFile } from '../config/runFile.ts';
import { caseFiles } from '../data/caseFiles.ts';
import { loadCase, type Case } from '../data/dataset.ts';
import { validationCase } from '../data/validation.ts';
import { diceScores, meanOf } from '../metrics/dice.ts';

/** Of cases that are kept from one validation to the next. */
const KEPT_BYTES = 2 ** 28;

/**
 * The validation cases of a run as the network is given them, read when they are needed: a few stay in memory, hundreds do not.
 */
export class ValidationCases {
  readonly #run: RunFile;
  readonly #baseDirectory: string;
  readonly #kept = new Map<number, Case>();
  /** Mean Dice of each case's labels before its deformation. */
  readonly #undeformed = new Map<number, number>();
  #bytes = 0;

  constructor(run: RunFile, baseDirectory: string) {
    this.#run = run;
    this.#baseDirectory = baseDirectory;
  }

  get count(): number {
    return this.#run.data.validation.length;
  }

  async load(number: number): Promise<Case> {
    const kept = this.#kept.get(number);
    if (kept) return kept;
    const { data, model, seed } = this.#run;
    const files = caseFiles(data.validation[number]!, this.#baseDirectory);
    const source = await loadCase(files, { ...data, channels: model.in_channels });
    const seen = validationCase(source, data, { seed, number });
    if (seen !== source && !this.#undeformed.has(number)) this.#undeformed.set(number, this.#scoreOf(source, seen));
    this.#keep(number, seen);
    return seen;
  }

  /** Mean Dice of the labels as they were before the deformation: what knowing the cases by heart would give. */
  get undeformedDice(): number | undefined {
    return this.#undeformed.size === 0 ? undefined : meanOf([...this.#undeformed.values()]).mean;
  }

  #scoreOf(source: Case, seen: Case): number {
    const { classes } = this.#run.data;
    return diceScores(source.labels.values, seen.labels.values, { classes: classes.length }).mean;
  }

  #keep(number: number, seen: Case): void {
    const { image, labels, voxels } = seen;
    const bytes = [image.values, labels.values, ...voxels].reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (this.#kept.has(number) || this.#bytes + bytes > KEPT_BYTES) return;
    this.#bytes += bytes;
    this.#kept.set(number, seen);
  }
}
