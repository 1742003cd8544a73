import { existsSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { nameOf } from '../../data/caseFiles.ts';
import { PredictInputError } from './errors.ts';

/** One image to segment. */
export interface Job {
  /** One file, or one a channel; as they were given, so that messages say what was typed. */
  readonly files: readonly string[];
  readonly output: string;
  /** Where the probabilities go, if they are asked for. */
  readonly probabilities: string | undefined;
}

export interface JobsRequest {
  /** An image, or a folder of images. */
  readonly input: string;
  /** A file for an image, a folder for a folder. */
  readonly output: string;
  readonly probabilities: boolean;
  /** Of the network: where it takes several, files such as `case_0000.nii.gz` are the channels of one image. */
  readonly channels: number;
}

const IMAGE = /\.(nii|nii\.gz|npy)$/i;
const CHANNEL = /_(\d{4})(?=\.(?:nii|nii\.gz|npy)$)/i;

/** The images of a folder in the order of their names, or the one that is given. A folder for the results is made. */
export async function jobsOf({ input, output, probabilities, channels }: JobsRequest): Promise<readonly Job[]> {
  const job = (files: readonly string[], to: string): Job => ({
    files,
    output: to,
    probabilities: probabilities ? probabilitiesBeside(to) : undefined,
  });
  if (!(await stat(input)).isDirectory()) return [job([input], output)];
  const names = (await readdir(input)).filter((name) => IMAGE.test(name)).toSorted();
  if (names.length === 0)
    throw new PredictInputError(`--input ${input}: there is no image in it; images end in .nii, .nii.gz or .npy`);
  await mkdir(output, { recursive: true });
  const jobs = grouped(names, channels).map(({ name, members }) =>
    job(
      members.map((member) => join(input, member)),
      join(output, outputName(name)),
    ),
  );
  checkOutputs(jobs);
  return jobs;
}

/** Whether everything that a job makes is there. */
export const isDone = ({ output, probabilities }: Job): boolean =>
  existsSync(output) && (probabilities === undefined || existsSync(probabilities));

/** `liver_probabilities.nii.gz` beside `liver.nii.gz`. */
const probabilitiesBeside = (output: string): string => output.replace(/(\.nii(\.gz)?)$/i, '_probabilities$1');

const outputName = (name: string): string => (/\.npy$/i.test(name) ? `${nameOf(name)}.nii.gz` : name);

/** Files of one image together: by their names up to the channel, as nnU-Net writes them. */
function grouped(names: readonly string[], channels: number): { name: string; members: string[] }[] {
  if (channels === 1) return names.map((name) => ({ name, members: [name] }));
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const common = name.replace(CHANNEL, '');
    groups.set(common, [...(groups.get(common) ?? []), name]);
  }
  return [...groups].map(([name, members]) => ({ name, members }));
}

function checkOutputs(jobs: readonly Job[]): void {
  const taken = new Map<string, Job>();
  for (const job of jobs) {
    const other = taken.get(job.output);
    if (other)
      throw new PredictInputError(
        `${basename(other.files[0]!)} and ${basename(job.files[0]!)} would both be written as ${job.output}: rename one`,
      );
    if (job.files.some((file) => resolve(file) === resolve(job.output)))
      throw new PredictInputError(`--output ${join(job.output, '..')}: that is the folder of the images; give another`);
    taken.set(job.output, job);
  }
}
