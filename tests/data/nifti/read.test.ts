import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NiftiType } from '../../../src/data/nifti/datatype.ts';
import { NiftiError } from '../../../src/data/nifti/niftiError.ts';
import { readNifti, type NiftiImage } from '../../../src/data/nifti/read.ts';
import { niftiFile, type NiftiFileSpec } from '../../support/niftiFile.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const folder = temporaryFolder();
let files = 0;

const put = (bytes: Uint8Array): string => {
  const file = join(folder, `image-${files++}.nii`);
  writeFileSync(file, bytes);
  return file;
};
const read = (spec: NiftiFileSpec): Promise<NiftiImage> => readNifti(put(niftiFile(spec)));
const fault = async (file: string): Promise<NiftiError> => {
  const error: unknown = await readNifti(file).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(NiftiError);
  expect((error as NiftiError).message).toContain(file);
  return error as NiftiError;
};

const samples: Record<NiftiType, readonly (number | bigint)[]> = {
  uint8: [0, 1, 127, 200, 255, 3],
  int8: [0, 1, -128, 127, -1, 5],
  int16: [0, -32768, 32767, 258, -2, 7],
  uint16: [0, 65535, 258, 513, 1, 2],
  int32: [0, -2147483648, 2147483647, 16909060, -1, 9],
  uint32: [0, 4294967295, 16909060, 1, 2, 3],
  int64: [0n, -9007199254740991n, 9007199254740991n, 4294967296n, -1n, 5n],
  uint64: [0n, 9007199254740991n, 4294967296n, 4294967295n, 1n, 5n],
  float32: [0, -1.5, 3.4028234663852886e38, 0.5, 1e-3, 2].map(Math.fround),
  float64: [0, -1.5, 1e300, Math.PI, 1e-300, 2],
};

describe.each(Object.keys(samples) as NiftiType[])('voxels of %s', (type) => {
  const cases = [1, 2].flatMap((version) =>
    [false, true].flatMap((bigEndian) =>
      [false, true].map((packed) => ({ version: version as 1 | 2, bigEndian, packed })),
    ),
  );
  test.each(cases)('are read from version $version, big-endian $bigEndian, packed $packed', async (variant) => {
    const image = await read({ ...variant, type, dim: [3, 2, 1], values: samples[type] });
    expect(image.volume.size).toEqual([3, 2, 1]);
    expect(image.volume.channels).toBe(1);
    expect([...image.volume.values]).toEqual(samples[type].map(Number));
    expect(image).toMatchObject({ type, version: variant.version });
  });

  test('are scaled and shifted', async () => {
    const values = samples[type].slice(3);
    const image = await read({ type, dim: [3, 1, 1], values, slope: 2, intercept: -10 });
    const wanted = values.map((value) => 2 * Number(value) - 10);
    image.volume.values.forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 5));
  });
});

describe('the header', () => {
  test('a slope of 0 or NaN scales nothing, and keeps the stored type', async () => {
    for (const slope of [0, NaN, 1]) {
      const image = await read({ type: 'int16', dim: [2, 1, 1], values: [3, 4], slope, intercept: 0 });
      expect(image.volume.values).toEqual(Int16Array.of(3, 4));
    }
  });

  test('further axes are channels, which lie last', async () => {
    const image = await read({ dim: [2, 1, 1, 3], values: [1, 2, 3, 4, 5, 6] });
    expect(image.volume).toMatchObject({ size: [2, 1, 1], channels: 3, values: Uint8Array.of(1, 2, 3, 4, 5, 6) });
    const vectors = await read({ dim: [2, 1, 1, 1, 2], values: [1, 2, 3, 4] });
    expect(vectors.volume).toMatchObject({ size: [2, 1, 1], channels: 2 });
  });

  test('an image with two axes has one slice', async () => {
    const image = await read({ dim: [2, 2], values: [1, 2, 3, 4] });
    expect(image.volume.size).toEqual([2, 2, 1]);
  });

  test('vox_offset is honoured, and extensions are passed over', async () => {
    for (const packed of [false, true]) {
      const image = await read({ dim: [2, 1, 1], values: [8, 9], voxelOffset: 4096, packed });
      expect([...image.volume.values]).toEqual([8, 9]);
    }
    const zero = niftiFile({ dim: [2, 1, 1], values: [8, 9] });
    zero.writeFloatLE(0, 108);
    expect([...(await readNifti(put(zero))).volume.values]).toEqual([8, 9]);
  });

  test('bytes behind the voxels do no harm, packed or not', async () => {
    const bytes = Buffer.concat([niftiFile({ dim: [2, 1, 1], values: [8, 9] }), Buffer.alloc(5_000_000)]);
    expect([...(await readNifti(put(bytes))).volume.values]).toEqual([8, 9]);
    expect([...(await readNifti(put(gzipSync(bytes)))).volume.values]).toEqual([8, 9]);
  });

  test('several gzip members are one file', async () => {
    const bytes = niftiFile({ dim: [2, 1, 1], values: [8, 9] });
    const file = put(Buffer.concat([gzipSync(bytes.subarray(0, 300)), gzipSync(bytes.subarray(300))]));
    expect([...(await readNifti(file)).volume.values]).toEqual([8, 9]);
  });
});

describe('the affine', () => {
  const sform = { code: 2, rows: [0, -2, 0, 10, 3, 0, 0, 20, 0, 0, 4, 30] };
  const qform = { code: 1, quaternion: [0, 0, 1], offset: [5, 6, 7] };

  test('is the sform where there is one, whatever the qform says', async () => {
    const image = await read({ dim: [1, 1, 1], values: [1], sform, qform: { ...qform, code: 4 } });
    expect(image.volume.affine).toEqual([
      [0, -2, 0, 10],
      [3, 0, 0, 20],
      [0, 0, 4, 30],
      [0, 0, 0, 1],
    ]);
    expect(image.orientation.qform).toEqual({ ...qform, code: 4 });
  });

  test('is else the qform: a half turn about z, mirrored by qfac', async () => {
    const image = await read({ dim: [1, 1, 1], values: [1], qform, pixdim: [-1, 2, 3, 4] });
    expect(image.volume.affine).toEqual([
      [-2, 0, -0, 5],
      [0, -3, -0, 6],
      [0, 0, -4, 7],
      [0, 0, 0, 1],
    ]);
  });

  test('a quaternion longer than 1 is normalised', async () => {
    const long = { code: 1, quaternion: [0, 0, 1.05], offset: [0, 0, 0] };
    const image = await read({ dim: [1, 1, 1], values: [1], qform: long });
    expect(image.volume.affine.flat().every(Number.isFinite)).toBe(true);
    expect(image.volume.affine[0]?.[0]).toBeCloseTo(-1, 6);
    expect(image.volume.affine[2]?.[2]).toBeCloseTo(1, 6);
  });

  test('is else made of the voxel sizes, where 0 counts as 1', async () => {
    const image = await read({ dim: [1, 1, 1], values: [1], pixdim: [1, 2, 0, 4] });
    expect([0, 1, 2].map((axis) => image.volume.affine[axis]?.[axis])).toEqual([2, 1, 4]);
  });

  test('that is not finite, or flat, is an error', async () => {
    const flat = { code: 1, rows: Array<number>(12).fill(0) };
    const lost = { code: 1, rows: [NaN, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0] };
    for (const sform of [flat, lost])
      expect((await fault(put(niftiFile({ dim: [1, 1, 1], values: [1], sform })))).fault).toBe('orientation');
    const turned = { code: 1, quaternion: [NaN, 0, 0], offset: [0, 0, 0] };
    expect((await fault(put(niftiFile({ dim: [1, 1, 1], values: [1], qform: turned })))).fault).toBe('orientation');
    expect((await fault(put(niftiFile({ dim: [1, 1, 1], values: [1], pixdim: [1, NaN, 1, 1] })))).fault).toBe(
      'orientation',
    );
  });
});

describe('a file that is wrong', () => {
  const whole: NiftiFileSpec = { type: 'int16', dim: [4, 3, 2], values: Array.from({ length: 24 }, (_, i) => i * 300) };

  test('is named where it does not exist, or is a folder', async () => {
    expect((await fault(join(folder, 'nowhere.nii.gz'))).message).toContain('no such file');
    expect((await fault(folder)).fault).toBe('unreadable');
  });

  test('is not NIfTI', async () => {
    expect((await fault(put(Buffer.from('hello, this is a text')))).fault).toBe('not nifti');
    expect((await fault(put(gzipSync('hello, this is a text')))).fault).toBe('not nifti');
    expect((await fault(put(Buffer.alloc(0)))).fault).toBe('truncated');
    expect((await fault(put(niftiFile({ ...whole, magic: 'ni1\0' })))).message).toContain('.hdr and .img');
    expect((await fault(put(niftiFile({ ...whole, magic: '\0\0\0\0' })))).message).toContain('Analyze');
  });

  test('is cut short anywhere', async () => {
    for (const packed of [false, true]) {
      const bytes = niftiFile({ ...whole, packed });
      for (let length = 0; length < bytes.length; length += 7) {
        const { fault: found } = await fault(put(bytes.subarray(0, length)));
        expect(['truncated', 'not nifti']).toContain(found);
      }
    }
  });

  test('has a checksum that does not match', async () => {
    const bytes = niftiFile({ ...whole, packed: true });
    bytes[bytes.length - 6]! ^= 255;
    expect((await fault(put(bytes))).fault).toBe('corrupt gzip');
  });

  test('holds complex or RGB voxels', async () => {
    expect((await fault(put(niftiFile({ ...whole, datatype: 32, bitpix: 64 })))).message).toContain('complex64');
    expect((await fault(put(niftiFile({ ...whole, datatype: 128, bitpix: 24 })))).message).toContain('RGB24');
    expect((await fault(put(niftiFile({ ...whole, bitpix: 8 })))).fault).toBe('header');
  });

  test('has axes of no length, or none', async () => {
    expect((await fault(put(niftiFile({ ...whole, dim: [4, 0, 2] })))).message).toContain('axis 2');
    expect((await fault(put(niftiFile({ ...whole, dim: [4, -3, 2] })))).message).toContain('-3');
    const none = niftiFile(whole);
    none.writeInt16LE(0, 40);
    expect((await fault(put(none))).message).toContain('0 axes');
  });

  test('has a 64-bit integer that a double cannot hold', async () => {
    const spec: NiftiFileSpec = { type: 'int64', dim: [2, 1, 1], values: [1n, 9007199254740993n] };
    expect((await fault(put(niftiFile(spec)))).fault).toBe('values');
  });

  test('promises gigabytes that it does not have, and takes no memory for them', async () => {
    const lies: NiftiFileSpec[] = [
      { dim: [1000, 1000, 1000], values: [1] },
      { dim: [1000, 1000, 1000], values: [1], packed: true },
      { dim: [32767, 32767, 32767, 32767], values: [1] },
      { version: 2, dim: [2 ** 31, 2 ** 31, 2 ** 31], values: [1], packed: true },
      { version: 2, dim: [2 ** 52, 2 ** 52, 1], values: [1] },
      // Zeros pack so well that only unpacking tells: 3 MB behind a promise of 3 GB.
      { dim: [1500, 1500, 1400], values: Array<number>(3_000_000).fill(0), packed: true },
    ];
    for (const lie of lies) {
      const file = put(niftiFile(lie));
      const before = process.memoryUsage().arrayBuffers;
      expect(['truncated', 'size']).toContain((await fault(file)).fault);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64e6);
    }
  });

  test('unpacks to far more than its header promises, and only that is read', async () => {
    const bytes = Buffer.concat([niftiFile({ dim: [2, 1, 1], values: [8, 9] }), Buffer.alloc(300e6)]);
    const file = put(gzipSync(bytes, { level: 1 }));
    const before = process.memoryUsage().arrayBuffers;
    expect([...(await readNifti(file)).volume.values]).toEqual([8, 9]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64e6);
  });
});

test('mutated files give an error with a name, or an image of the size that the bytes allow', async () => {
  const variants: NiftiFileSpec[] = [
    { type: 'int16', dim: [3, 2, 2], values: Array.from({ length: 12 }, (_, i) => i) },
    { type: 'float32', version: 2, dim: [3, 2, 2], values: Array.from({ length: 12 }, (_, i) => i), bigEndian: true },
    { type: 'int64', dim: [3, 2, 2], values: Array.from({ length: 12 }, (_, i) => i), packed: true },
  ];
  const edits = fc.array(fc.record({ at: fc.nat(), to: fc.nat(255) }), { minLength: 1, maxLength: 6 });
  const mutation = fc.record({
    variant: fc.nat(2),
    edits,
    headerOnly: fc.boolean(),
    cut: fc.option(fc.nat(), { freq: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(mutation, async ({ variant, edits: changes, headerOnly, cut }) => {
      const spec = variants[variant]!;
      const bytes = niftiFile({ ...spec, packed: false });
      // Half of the packed files are damaged before packing, so that the fault is in the header and not in gzip.
      const inside = spec.packed && headerOnly;
      let damaged: Buffer = spec.packed && !inside ? gzipSync(bytes) : bytes;
      for (const { at, to } of changes)
        damaged[at % (headerOnly ? Math.min(360, damaged.length) : damaged.length)] = to;
      if (inside) damaged = gzipSync(damaged);
      if (cut !== null) damaged = damaged.subarray(0, cut % damaged.length);
      const file = put(damaged);
      const result = await readNifti(file).catch((error: unknown) => error);
      if (result instanceof NiftiError) {
        expect(result.message).toContain(file);
        return;
      }
      const { size, channels, values, affine } = (result as NiftiImage).volume;
      expect(values.length).toBe(size[0] * size[1] * size[2] * channels);
      expect(values.length).toBeLessThanOrEqual(bytes.length);
      expect(affine.flat().every(Number.isFinite)).toBe(true);
    }),
    { numRuns: 400, seed: 20240501 },
  );
});
