import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { WritableType } from '../../../src/data/nifti/datatype.ts';
import { NiftiError } from '../../../src/data/nifti/niftiError.ts';
import { readNifti } from '../../../src/data/nifti/read.ts';
import { writeNifti } from '../../../src/data/nifti/write.ts';
import type { Affine, Volume, VoxelArray } from '../../../src/data/volume.ts';
import { niftiFile, type NiftiFileSpec } from '../../support/niftiFile.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const folder = temporaryFolder();
let files = 0;
const path = (ending = '.nii.gz'): string => join(folder, `image-${files++}${ending}`);

const AFFINE: Affine = [
  [0, -2, 0, 90.5],
  [2.5, 0, 0, -126],
  [0, 0, 3, -72],
  [0, 0, 0, 1],
];
const volume = <T extends VoxelArray>(values: T, affine: Affine = AFFINE): Volume<T> => ({
  size: [values.length, 1, 1],
  channels: 1,
  values,
  affine,
});

/** Where every field lies that a viewer reads, by nifti1.h. */
function fieldsOf(bytes: Buffer) {
  const floats = (at: number, count: number): number[] =>
    Array.from({ length: count }, (_, i) => bytes.readFloatLE(at + 4 * i));
  return {
    length: bytes.readInt32LE(0),
    dim: Array.from({ length: 8 }, (_, i) => bytes.readInt16LE(40 + 2 * i)),
    datatype: bytes.readInt16LE(70),
    bitpix: bytes.readInt16LE(72),
    pixdim: floats(76, 8),
    voxelOffset: bytes.readFloatLE(108),
    slope: bytes.readFloatLE(112),
    intercept: bytes.readFloatLE(116),
    units: bytes.readUInt8(123),
    qformCode: bytes.readInt16LE(252),
    sformCode: bytes.readInt16LE(254),
    quaternion: floats(256, 3),
    offset: floats(268, 3),
    sform: floats(280, 12),
    magic: bytes.toString('latin1', 344, 348),
    extension: bytes.readInt32LE(348),
  };
}

test('the bytes of the header are those that nibabel and the NIfTI C library expect', async () => {
  const file = path('.nii');
  await writeNifti(file, { size: [2, 1, 3], channels: 1, values: Uint8Array.of(1, 2, 3, 4, 5, 6), affine: AFFINE });
  const bytes = readFileSync(file);
  expect(fieldsOf(bytes)).toEqual({
    length: 348,
    dim: [3, 2, 1, 3, 1, 1, 1, 1],
    datatype: 2,
    bitpix: 8,
    pixdim: [1, 2.5, 2, 3, 1, 1, 1, 1],
    voxelOffset: 352,
    slope: 1,
    intercept: 0,
    units: 2,
    qformCode: 2,
    sformCode: 2,
    // A quarter turn about z: a = d = √½.
    quaternion: [0, 0, Math.fround(Math.SQRT1_2)],
    offset: [90.5, -126, -72],
    sform: [0, -2, 0, 90.5, 2.5, 0, 0, -126, 0, 0, 3, -72],
    magic: 'n+1\0',
    extension: 0,
  });
  expect([...bytes.subarray(352)]).toEqual([1, 2, 3, 4, 5, 6]);
});

test('the name decides whether the file is packed', async () => {
  const [plain, packed] = [path('.nii'), path('.nii.gz')];
  await writeNifti(plain, volume(Int16Array.of(1, -2)));
  await writeNifti(packed, volume(Int16Array.of(1, -2)));
  expect(gunzipSync(readFileSync(packed))).toEqual(readFileSync(plain));
  await expect(writeNifti(path('.mha'), volume(Int16Array.of(1)))).rejects.toThrow('.nii or .nii.gz');
});

test('every type is read back as it was, and channels stay last', async () => {
  const arrays = [Uint8Array, Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array, Float32Array, Float64Array];
  for (const Type of arrays) {
    const file = path();
    const written: Volume = { size: [2, 1, 1], channels: 3, values: Type.of(1, 2, 3, 4, 5, 100), affine: AFFINE };
    await writeNifti(file, written);
    expect((await readNifti(file)).volume).toEqual(written);
  }
});

test('a mirrored affine has a qform with qfac −1, and a sheared one has none', async () => {
  const mirrored: Affine = [
    [-2, 0, 0, 9],
    [0, 2, 0, 0],
    [0, 0, 2, 0],
    [0, 0, 0, 1],
  ];
  const sheared: Affine = [
    [2, 0.1, 0, 9],
    [0, 2, 0, 0],
    [0, 0, 2, 0],
    [0, 0, 0, 1],
  ];
  const [one, other] = [path('.nii'), path('.nii')];
  await writeNifti(one, volume(Uint8Array.of(1), mirrored));
  await writeNifti(other, volume(Uint8Array.of(1), sheared));
  expect(fieldsOf(readFileSync(one))).toMatchObject({ qformCode: 2, pixdim: [-1, 2, 2, 2, 1, 1, 1, 1] });
  expect(fieldsOf(readFileSync(other))).toMatchObject({ qformCode: 0, sformCode: 2 });
  expect((await readNifti(other)).volume.affine).toEqual(sheared.map((row) => row.map(Math.fround)));
});

test('a size beyond 32767 makes it NIfTI-2', async () => {
  const file = path('.nii');
  const long = volume(new Uint8Array(40_000).fill(7));
  await writeNifti(file, long);
  const bytes = readFileSync(file);
  expect(bytes.readInt32LE(0)).toBe(540);
  expect(bytes.readBigInt64LE(168)).toBe(544n);
  expect(await readNifti(file)).toMatchObject({ version: 2, volume: long });
});

describe('a label map for an image', () => {
  const sform = { code: 4, rows: [-1.5, 0.02, 0, 91, 0, 1.5, 0.1, -126.25, 0, 0, 2, -71] };
  const qform = { code: 1, quaternion: [0.1, 0.2, 0.3], offset: [4, 5, 6] };
  const sources: readonly NiftiFileSpec[] = [
    { dim: [2, 1, 1], values: [1, 2], sform, qform, pixdim: [-1, 1.5, 1.5, 2], units: 10 },
    { dim: [2, 1, 1], values: [1, 2], qform, pixdim: [-1, 1.5, 1.5, 2], bigEndian: true },
    { dim: [2, 1, 1], values: [1, 2], qform: { ...qform, quaternion: [0, 0, 1.01] } },
    { dim: [2, 1, 1], values: [1, 2], pixdim: [1, 1.5, 1.5, 2], units: 0 },
    { dim: [2, 1, 1], values: [1, 2], sform, qform, version: 2, bigEndian: true },
    { dim: [2, 1, 1], values: [1, 2], sform: { ...sform, rows: sform.rows.map((x) => x / 3) }, version: 2 },
  ];
  test.each(sources.map((source, number) => ({ number, source })))(
    'says where it lies as source $number does, in every field',
    async ({ source }) => {
      const [from, to] = [path(), path('.nii')];
      writeFileSync(from, niftiFile(source));
      const image = await readNifti(from);
      await writeNifti(to, { ...image.volume, values: Uint8Array.of(0, 3) }, { like: image });
      const again = await readNifti(to);
      expect(again.orientation).toEqual(image.orientation);
      expect(again.volume).toMatchObject({ affine: image.volume.affine, values: Uint8Array.of(0, 3) });
      expect(again.version).toBe(image.version);
    },
  );

  test('that was cut out of it follows its own affine', async () => {
    const [from, to] = [path(), path()];
    writeFileSync(from, niftiFile(sources[0]!));
    const image = await readNifti(from);
    await writeNifti(to, volume(Uint8Array.of(1)), { like: image });
    const again = await readNifti(to);
    expect(again.volume.affine).toEqual(AFFINE);
    expect(again.orientation.units).toBe(10);
  });
});

test('integers are never wrapped or rounded', async () => {
  const write = (values: VoxelArray, type: WritableType) => writeNifti(path(), volume(values), { type });
  await expect(write(Float32Array.of(1, 256), 'uint8')).rejects.toThrow('voxel 1 is 256, and uint8 holds');
  await expect(write(Float32Array.of(0.5), 'int16')).rejects.toThrow('float32');
  await expect(write(Float32Array.of(NaN), 'int32')).rejects.toBeInstanceOf(NiftiError);
  await expect(write(Float32Array.of(1, 255), 'uint8')).resolves.toBeUndefined();
});

test('a file that cannot be written leaves nothing behind, and what was there stays', async () => {
  const file = path();
  await writeNifti(file, volume(Uint8Array.of(1)));
  const before = readdirSync(folder);
  const wrong: Volume = { size: [2, 2, 2], channels: 1, values: Uint8Array.of(1), affine: AFFINE };
  await expect(writeNifti(file, wrong)).rejects.toThrow('8 voxels, and 1 are given');
  await expect(writeNifti(join(folder, 'none', 'a.nii'), volume(Uint8Array.of(1)))).rejects.toThrow(
    'cannot be written',
  );
  const flat = AFFINE.map(() => [0, 0, 0, 0] as const);
  await expect(writeNifti(file, volume(Uint8Array.of(1), flat))).rejects.toThrow('affine');
  expect(readdirSync(folder)).toEqual(before);
  expect((await readNifti(file)).volume.values).toEqual(Uint8Array.of(1));
});

test('any turned, scaled, mirrored and shifted affine comes back, by the sform and by the qform alone', async () => {
  const part = fc.double({ min: -1, max: 1, noNaN: true });
  const length = fc.double({ min: 0.2, max: 5, noNaN: true });
  const shift = fc.double({ min: -300, max: 300, noNaN: true });
  const drawn = fc.record({
    q: fc.tuple(part, part, part, part).filter((q) => Math.hypot(...q) > 0.1),
    scale: fc.tuple(length, length, length),
    mirror: fc.boolean(),
    offset: fc.tuple(shift, shift, shift),
  });
  await fc.assert(
    fc.asyncProperty(drawn, async ({ q, scale, mirror, offset }) => {
      const affine = affineFrom(q, scale, mirror, offset);
      const file = path('.nii');
      await writeNifti(file, volume(Uint8Array.of(1), affine));
      expect((await readNifti(file)).volume.affine).toEqual(affine.map((row) => row.map(Math.fround)));
      const bytes = readFileSync(file);
      bytes.writeInt16LE(0, 254);
      writeFileSync(file, bytes);
      const byQform = (await readNifti(file)).volume.affine;
      // The format has three of the quaternion's four parts, as float32: near a half turn the fourth, √(1 − b² − c² − d²), is
      // known to √ε only.
      const known = 4 * Math.max(...scale) * Math.sqrt(2 ** -24);
      byQform.forEach((row, i) =>
        row.forEach((value, j) => expect(Math.abs(value - affine[i]![j]!)).toBeLessThan(known)),
      );
    }),
    { numRuns: 60 },
  );
});

function affineFrom(
  q: readonly number[],
  scale: readonly number[],
  mirror: boolean,
  offset: readonly number[],
): Affine {
  const norm = Math.hypot(...q);
  const [a = 1, b = 0, c = 0, d = 0] = q.map((x) => x / norm);
  const r = [
    [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
    [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
    [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
  ];
  const rows = r.map(
    ([x = 0, y = 0, z = 0], i) =>
      [x * scale[0]!, y * scale[1]!, z * scale[2]! * (mirror ? -1 : 1), offset[i]!] as const,
  );
  return [...rows, [0, 0, 0, 1]];
}
