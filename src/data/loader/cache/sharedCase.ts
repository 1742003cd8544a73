import type { Case } from '../../dataset.ts';

type Values = Float32Array | Uint8Array | Uint32Array;

/** Bytes of what is large in a case: image, labels, and the voxels of every class. */
export const caseBytes = ({ image, labels, voxels }: Pick<Case, 'image' | 'labels' | 'voxels'>): number =>
  [image.values, labels.values, ...voxels].reduce((sum, values) => sum + values.byteLength, 0);

/** The same case in memory that threads share. What lies there already is left there. */
export function shareCase(source: Case): Case {
  const { image, labels, voxels } = source;
  return {
    ...source,
    image: { ...image, values: shared(image.values) },
    labels: { ...labels, values: shared(labels.values) },
    voxels: voxels.map(shared),
  };
}

function shared<T extends Values>(values: T): T {
  if (values.buffer instanceof SharedArrayBuffer) return values;
  const make = values.constructor as new (buffer: SharedArrayBuffer) => T;
  const copy = new make(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return copy;
}
