import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunFile } from '../config/runFile.ts';
import type { Case } from '../data/dataset.ts';
import { writeNifti } from '../data/nifti/write.ts';
import type { Volume } from '../data/volume.ts';
import { drawPicture } from '../inference/picture/picture.ts';
import { runFiles } from '../telemetry/runDirectory.ts';
import type { TrainEvent } from '../telemetry/trainEvent.ts';
import { unpackLabels } from './packedLabels.ts';
import type { ValidationCases } from './validationCases.ts';
import type { Validation } from './validator.ts';

export interface PredictionOptions {
  readonly run: RunFile;
  readonly directory: string;
  readonly report: (event: TrainEvent) => void;
}

/** Writes what the best network made of the validation images: as NIfTI beside image and truth, and as pictures. */
export async function writePredictions(
  options: PredictionOptions,
  cases: ValidationCases,
  best: Validation,
): Promise<void> {
  for (const [number, packed] of best.predictions.entries()) {
    const source = await cases.load(number);
    // One case has the plain names; more have their own in front.
    const prefix = cases.count === 1 ? '' : `${source.name}-`;
    const { size, affine } = source.labels;
    const prediction = { size, affine, channels: 1, values: await unpackLabels(packed) };
    await writeCase(options, source, prediction, { prefix, best });
  }
}

async function writeCase(
  { run, directory, report }: PredictionOptions,
  source: Case,
  prediction: Volume<Uint8Array>,
  { prefix, best }: { prefix: string; best: Validation },
): Promise<void> {
  const path = (name: string): string => join(directory, `${prefix}${name}`);
  const segmentation = path(runFiles.segmentation);
  await writeNifti(segmentation, prediction, { type: 'uint8', like: source.source });
  report({ kind: 'saved', path: segmentation, what: 'segmentation' });
  if (run.data.validation_deformation) {
    // What was segmented is on no disk yet: without it the segmentation could be laid over nothing.
    await writeNifti(path(runFiles.image), source.image, { type: 'float32', like: source.source });
    await writeNifti(path(runFiles.truth), source.labels, { type: 'uint8', like: source.source });
  }
  const notes = run.data.classes.map((name) => best.dice[name]?.toFixed(2) ?? '');
  const columns = [
    { title: 'truth', labels: source.labels },
    { title: `prediction (mean Dice ${best.meanDice.toFixed(3)})`, labels: prediction },
  ];
  const picture = path(runFiles.picture);
  await writeFile(picture, drawPicture({ image: source.image, columns, classes: run.data.classes, notes }));
  report({ kind: 'saved', path: picture, what: 'picture' });
}
