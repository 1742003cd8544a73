import { createHash } from 'node:crypto';
import {
  readSafetensors,
  writeSafetensors,
  type HostTensor,
  type StoredTensor,
} from '../../../checkpoint/safetensors.ts';
import type { Case } from '../../dataset.ts';
import type { Volume } from '../../volume.ts';
import { shareCase } from './sharedCase.ts';

/*
 * A case on disk after its deterministic transforms, as a safetensors file: `image`, `labels`, the voxels of every class (`voxels.1`
 * …) with their bits read as signed, and in the metadata what is small, with a digest of all values.
 */

/** What is not an array. */
type Facts = Pick<Case, 'name' | 'source' | 'grid' | 'annotated'> & {
  readonly image: Pick<Volume, 'size' | 'channels' | 'affine'>;
  readonly classes: number;
};

/** The case in a file, in shared memory; undefined where the file is not there, or damaged. */
export async function keptCase(file: string): Promise<Case | undefined> {
  try {
    const { metadata, tensors } = await readSafetensors(file);
    if (metadata.get('digest') !== digestOf(tensors)) return undefined;
    return shareCase(assemble(JSON.parse(metadata.get('case')!) as Facts, tensors));
  } catch {
    return undefined;
  }
}

/** Writes a case whole or not at all. A cache that cannot be written costs time and nothing else. */
export async function keepCase(file: string, kept: Case): Promise<void> {
  const { name, source, grid, annotated, image, labels, voxels } = kept;
  const { size, channels, affine } = image;
  const facts: Facts = { name, source, grid, annotated, image: { size, channels, affine }, classes: voxels.length };
  const flat = (values: HostTensor['values']): HostTensor => ({
    shape: [values.length],
    values,
  });
  const tensors = new Map<string, HostTensor>([
    ['image', flat(image.values)],
    ['labels', flat(labels.values)],
    ...voxels.map((list, c): [string, HostTensor] => [
      `voxels.${c}`,
      flat(new Int32Array(list.buffer, list.byteOffset, list.length)),
    ]),
  ]);
  const digest = digestOf(tensors);
  await writeSafetensors(file, tensors, { case: JSON.stringify(facts), digest }).catch(() => {});
}

function assemble(facts: Facts, tensors: ReadonlyMap<string, StoredTensor>): Case {
  const { image, classes, ...rest } = facts;
  const { size, affine } = image;
  const values = (name: string): StoredTensor['values'] => tensors.get(name)!.values;
  return {
    ...rest,
    image: { ...image, values: values('image') as Float32Array },
    labels: { size, affine, channels: 1, values: values('labels') as Uint8Array },
    voxels: Array.from({ length: classes }, (_, c) => new Uint32Array(values(`voxels.${c}`).buffer)),
  };
}

/** SHA-1, which processors have instructions for: against damage, not against anybody. */
function digestOf(tensors: ReadonlyMap<string, HostTensor>): string {
  const hash = createHash('sha1');
  for (const name of [...tensors.keys()].toSorted()) {
    const { values } = tensors.get(name)!;
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}
