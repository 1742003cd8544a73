import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePhantomDataset } from '../../src/data/phantom/writeDataset.ts';
import { PHANTOM_CLASSES } from '../../src/data/phantom/structures.ts';
import { runFiles } from '../../src/telemetry/runDirectory.ts';

/** What networks are trained on and tried out on. */
export interface Subject {
  readonly name: string;
  /** The `data:` of a run file but for the patch size, as an object. */
  readonly data: object;
  readonly classes: readonly string[];
  /** The sizes to train with; the last is whole images, by their padded size. */
  readonly inputs: readonly (readonly number[] | 'whole')[];
  /** Voxels of a whole image. */
  readonly voxels: number;
  /** Images to segment, with their truths, once a run is trained. */
  readonly tests: (
    runDirectory: string,
    folder: string,
  ) => readonly { readonly image: string; readonly truth: string }[];
}

/** Heads of 64³ voxels with nine organs: six to train on, three others to try out on. */
export async function phantoms(folder: string): Promise<Subject> {
  const signal = new AbortController().signal;
  const size = [64, 64, 64] as const;
  await writePhantomDataset({
    directory: folder,
    size,
    cases: 6,
    test: 3,
    seed: 1,
    noise: 0.08,
    bias: 0.3,
    signal,
    report: () => {},
  });
  const pairs = (part: 'Tr' | 'Ts') =>
    readdirSync(join(folder, `images${part}`)).map((file) => ({
      image: join(folder, `images${part}`, file),
      label: join(folder, `labels${part}`, file),
    }));
  return {
    name: 'phantoms, 64 × 64 × 64',
    data: { train: pairs('Tr') },
    classes: PHANTOM_CLASSES,
    inputs: [[32, 32, 32], [48, 48, 48], 'whole'],
    voxels: 64 ** 3,
    tests: () => pairs('Ts').map(({ image, label }) => ({ image, truth: label })),
  };
}

/** The demo's brain, tried out on the same brain under a deformation that training never draws. */
export function brain(example: string): Subject {
  const run = JSON.parse(readFileSync(join(example, 'brain9.json'), 'utf8')) as { labels: Record<string, string> };
  const pair = { image: join(example, 'brain_2mm_image.nii.gz'), label: join(example, 'brain_2mm_label.nii.gz') };
  return {
    name: 'one brain, 90 × 108 × 90, deformed',
    data: { train: [pair], validation: [pair], validation_deformation: { rotate: 20, scale: 0.15, elastic: 4 } },
    classes: Object.values(run.labels),
    inputs: [[32, 32, 32], [64, 64, 64], 'whole'],
    voxels: 96 * 112 * 96,
    tests: (runDirectory, folder) =>
      // Three times the same, for the times.
      [0, 1, 2].map((copy) => {
        mkdirSync(folder, { recursive: true });
        const image = join(folder, `brain-${copy}.nii.gz`);
        copyFileSync(join(runDirectory, runFiles.image), image);
        return { image, truth: join(runDirectory, runFiles.truth) };
      }),
  };
}
