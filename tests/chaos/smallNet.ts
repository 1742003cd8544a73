import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeCase } from '../support/dataset.ts';

/** Steps of the whole run. */
export const STEPS = 32;
/** Seconds of silence after which a process is given up. */
export const HEARTBEAT = 3;

/**
 * A run that takes a second once it is launched, and has in it what a failure can spoil: an optimizer with a memory, running
 * statistics, random augmentation, validation. The cut is given, as it would else follow from times measured in each run.
 */
export const smallNet = {
  name: 'chaos',
  seed: 3,
  model: { name: 'unetpipe', out_channels: 3, n_feat: 4, depth: 1, spatial_dims: 2 },
  data: {
    train: [{ image: 'one.nii.gz', label: 'one-label.nii.gz' }],
    validation: [{ image: 'one.nii.gz', label: 'one-label.nii.gz' }],
    classes: ['background', 'ball', 'box'],
    patch_size: [8, 8],
    samples_per_epoch: 16,
    augment: { rotate: 5, noise: 0.02 },
  },
  optimizer: { name: 'adam', lr: 0.02 },
  training: { epochs: 4, batch_size: 2, validate_every: 2 },
  pipeline: { workers: 2, micro_batches: 2, balance: [7, 5] },
  engine: { threads: 1 },
  checkpoints: { every: 8 },
  recovery: { snapshot_every: 3, backoff: 0.1, heartbeat: HEARTBEAT, stall: 6, wait: 20 },
};

/** Lays the case and the run file into a folder; returns the run file's path. */
export async function writeSmallNet(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  await writeCase(folder, 'one');
  const file = join(folder, 'run.yaml');
  writeFileSync(file, stringify(smallNet));
  return file;
}
