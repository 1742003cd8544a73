import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeNifti } from '../../src/data/nifti/write.ts';
import type { Affine } from '../../src/data/volume.ts';
import { floatVolume, labelVolume } from './volumes.ts';

type Size = readonly [number, number, number];

/** Turned about z, voxels of 2 × 2 × 3 mm: nothing that a file could have by accident. */
const oblique: Affine = [
  [1.6, -1.2, 0, -11],
  [1.2, 1.6, 0, 7.5],
  [0, 0, 3, -20],
  [0, 0, 0, 1],
];

/** A bright ball and a dim box in dark noise, as an image and its labels, `<name>.nii.gz` and `<name>-label.nii.gz`. */
export async function writeCase(folder: string, name: string, size: Size = [18, 20, 14]): Promise<void> {
  const middle = size.map((n) => n / 2 - 0.5) as unknown as Size;
  const classAt = (x: number, y: number, z: number): number => {
    if (Math.hypot(x - middle[0] - 3, y - middle[1], z - middle[2]) < 4) return 1;
    return Math.max(Math.abs(x - middle[0] + 5), Math.abs(y - middle[1]), Math.abs(z - middle[2])) < 3 ? 2 : 0;
  };
  const texture = (x: number, y: number, z: number): number => ((x * 7 + y * 13 + z * 29) % 11) / 11;
  const brightness = [20, 200, 110];
  const image = floatVolume(size, (x, y, z) => brightness[classAt(x, y, z)]! + 20 * texture(x, y, z), {
    affine: oblique,
  });
  await writeNifti(join(folder, `${name}.nii.gz`), image, { type: 'float32' });
  await writeNifti(join(folder, `${name}-label.nii.gz`), labelVolume(size, classAt, oblique), { type: 'uint8' });
}

/** A run file over one made-up case, as an object to be changed; it trains in seconds. */
export const smallRun = () => ({
  name: 'small',
  seed: 3,
  model: { name: 'unetpipe', out_channels: 3, n_feat: 4, depth: 1 },
  data: {
    train: [{ image: 'one.nii.gz', label: 'one-label.nii.gz' }],
    validation: [{ image: 'one.nii.gz', label: 'one-label.nii.gz' }] as { image: string; label: string }[],
    classes: ['background', 'ball', 'box'],
    patch_size: [16, 16, 12] as number[] | 'whole',
    samples_per_epoch: 8,
    augment: { rotate: 5, noise: 0.02 },
  },
  optimizer: { name: 'adam', lr: 0.02 },
  training: { epochs: 3, batch_size: 2, validate_every: 1 } as Record<string, number>,
  pipeline: { workers: 2, micro_batches: 2 } as Record<string, number | string>,
  engine: { threads: 1 } as Record<string, number | string>,
});

export type SmallRun = ReturnType<typeof smallRun>;

/** Lays the case and the run file into a folder; returns the run file's path. */
export async function writeRun(folder: string, run: SmallRun = smallRun()): Promise<string> {
  mkdirSync(folder, { recursive: true });
  await writeCase(folder, 'one');
  const file = join(folder, 'run.yaml');
  writeFileSync(file, stringify(run));
  return file;
}
