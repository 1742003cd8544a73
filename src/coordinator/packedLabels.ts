import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';

/** A label map that is kept for later: a hundredth of its size, or less. */
export interface PackedLabels {
  readonly bytes: Uint8Array;
}

/** Fast: long runs of one class need no search. */
const LEVEL = 1;

export const packLabels = async (values: Uint8Array): Promise<PackedLabels> => ({
  bytes: await promisify<Uint8Array, { level: number }, Uint8Array>(deflate)(values, { level: LEVEL }),
});

export async function unpackLabels({ bytes }: PackedLabels): Promise<Uint8Array> {
  const values: Buffer = await promisify<Uint8Array, Buffer>(inflate)(bytes);
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
