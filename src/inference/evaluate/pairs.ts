import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { nameOf } from '../../data/caseFiles.ts';

/** The two files of one case. */
export interface CasePair {
  readonly name: string;
  readonly prediction: string;
  readonly truth: string;
}

/** A case that cannot be evaluated, and why. */
export interface FailedCase {
  readonly name: string;
  readonly error: string;
}

export interface PairedCases {
  readonly pairs: readonly CasePair[];
  readonly failed: readonly FailedCase[];
}

/** Predictions and truths that cannot be laid side by side at all. */
export class PairingError extends Error {
  override readonly name = 'PairingError';
}

const VOLUME = /\.(nii|nii\.gz|npy)$/i;
/** nnU-Net's images end so, and predictions that are named by them. */
const CHANNEL = /_0000$/;
/** What `lamp predict --probabilities` writes beside a segmentation. */
const PROBABILITIES = /_probabilities$/;

/** Two files are one case; of two folders the files with the same name are, whatever their endings. */
export function pairCases(prediction: string, truth: string): PairedCases {
  const [one, other] = [isFolder(prediction, '--prediction'), isFolder(truth, '--truth')];
  if (one !== other)
    throw new PairingError(
      `--prediction ${prediction} is a ${one ? 'folder' : 'file'} and --truth ${truth} a ${other ? 'folder' : 'file'}; give two files, or two folders`,
    );
  if (!one) return { pairs: [{ name: nameOf(truth), prediction, truth }], failed: [] };
  const truths = volumesIn(truth);
  const predictions = volumesIn(prediction).filter(({ name }) => !PROBABILITIES.test(name));
  return matchCases(predictions, truths, { prediction, truth });
}

interface NamedFile {
  readonly name: string;
  readonly path: string;
}

function matchCases(
  predictions: readonly NamedFile[],
  truths: readonly NamedFile[],
  folders: { readonly prediction: string; readonly truth: string },
): PairedCases {
  const known = new Set(truths.map(({ name }) => name));
  const caseOf = ({ name }: NamedFile): string => (known.has(name) ? name : name.replace(CHANNEL, ''));
  const pairs: CasePair[] = [];
  const failed: FailedCase[] = [];
  for (const name of [...new Set([...known, ...predictions.map(caseOf)])].toSorted()) {
    const guesses = predictions.filter((file) => caseOf(file) === name);
    const answers = truths.filter((file) => file.name === name);
    const problem =
      several(guesses) ??
      several(answers) ??
      (guesses.length === 0 ? `there is no prediction of this name in ${folders.prediction}` : undefined) ??
      (answers.length === 0 ? `there is no truth of this name in ${folders.truth}` : undefined);
    if (problem === undefined) pairs.push({ name, prediction: guesses[0]!.path, truth: answers[0]!.path });
    else failed.push({ name, error: problem });
  }
  return { pairs, failed };
}

const several = (files: readonly NamedFile[]): string | undefined =>
  files.length > 1
    ? `several files have this name: ${files.map(({ path }) => path).join(', ')}; keep one of them`
    : undefined;

function volumesIn(folder: string): readonly NamedFile[] {
  const files = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && VOLUME.test(entry.name))
    .map((entry) => ({ name: nameOf(entry.name), path: join(folder, entry.name) }));
  if (files.length === 0)
    throw new PairingError(`${folder}: there is no volume in this folder; volumes end in .nii, .nii.gz or .npy`);
  return files;
}

function isFolder(path: string, option: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new PairingError(`${option} ${path}: there is no such file or folder`);
  return stat.isDirectory();
}
