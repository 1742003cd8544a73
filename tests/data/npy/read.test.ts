import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NpyError } from '../../../src/data/npy/npyError.ts';
import { readVolume, readVolumeHeader } from '../../../src/data/readVolume.ts';
import { niftiFile } from '../../support/niftiFile.ts';
import { npyFile, type NpyFileSpec } from '../../support/npyFile.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const folder = temporaryFolder();
let files = 0;
const put = (bytes: Uint8Array, ending = 'npy'): string => {
  const file = join(folder, `array-${files++}.${ending}`);
  writeFileSync(file, bytes);
  return file;
};
const array = (spec: NpyFileSpec): string => put(npyFile(spec));

test('an array (z, y, x) is a volume as it lies', async () => {
  const file = array({ descr: '<i2', shape: [2, 1, 3], values: [1, 2, 3, -4, 5, 6] });
  const { volume, type } = await readVolume(file);
  expect(volume.size).toEqual([3, 1, 2]);
  expect([volume.channels, type]).toEqual([1, 'int16']);
  expect(volume.values).toEqual(Int16Array.of(1, 2, 3, -4, 5, 6));
  expect(volume.affine).toEqual([
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
  ]);
});

test('an array of two axes is a slice, and of four has its channels first', async () => {
  expect((await readVolume(array({ shape: [2, 3], values: [1, 2, 3, 4, 5, 6] }))).volume.size).toEqual([3, 2, 1]);
  const { volume } = await readVolume(array({ shape: [2, 1, 1, 2], values: [1, 2, 3, 4] }));
  expect([volume.size, volume.channels]).toEqual([[2, 1, 1], 2]);
  expect([...volume.values]).toEqual([1, 2, 3, 4]);
});

test('voxels have the size that is given', async () => {
  const file = array({ shape: [1, 1, 2], values: [1, 2] });
  const { volume, orientation } = await readVolume(file, { npy_spacing: [0.5, 0.75, 3] });
  expect(volume.affine.map((row, axis) => row[axis])).toEqual([0.5, 0.75, 3, 1]);
  expect(orientation.spacing).toEqual([0.5, 0.75, 3]);
  expect((await readVolumeHeader(file, { npy_spacing: [0.5, 0.75, 3] })).affine).toEqual(volume.affine);
});

test('the header alone says what the whole file says', async () => {
  for (const shape of [
    [2, 3],
    [2, 3, 1],
    [3, 1, 2, 1],
  ]) {
    const file = array({ shape, values: [1, 2, 3, 4, 5, 6] });
    const { values: _, ...grid } = (await readVolume(file)).volume;
    expect(await readVolumeHeader(file)).toEqual(grid);
  }
});

test.each(['i1', 'u1', 'i2', 'u2', 'i4', 'u4', 'i8', 'u8', 'f4', 'f8'])(
  'elements of %s are read in either order of bytes and by any version of the format',
  async (kind) => {
    const values = kind.startsWith('u') ? [0, 1, 100] : [-100, 0, 100];
    for (const version of [1, 2, 3])
      for (const order of ['<', '>', '=', '|']) {
        const file = array({ version, descr: order + kind, shape: [1, 1, 3], values });
        expect([...(await readVolume(file)).volume.values]).toEqual(values);
      }
  },
);

test('half floats and booleans are read', async () => {
  const bits = [0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x7c00];
  for (const descr of ['<f2', '>f2']) {
    const { volume } = await readVolume(array({ descr, shape: [1, 1, 6], values: bits }));
    expect([...volume.values]).toEqual([1, -2, 2 ** -24, 65504, -0, Infinity]);
  }
  const { volume } = await readVolume(array({ descr: '|b1', shape: [1, 1, 2], values: [1, 0] }));
  expect(volume.values).toEqual(Uint8Array.of(1, 0));
});

test("an array in Fortran's order is turned", async () => {
  // numpy.arange(24).reshape(shape), stored with its first axis fastest.
  for (const shape of [
    [4, 6],
    [2, 3, 4],
    [2, 2, 3, 2],
  ]) {
    const [last = 1, third = 1, second = 1, first = 1] = shape.toReversed();
    const values: number[] = [];
    for (let x = 0; x < last; x++)
      for (let y = 0; y < third; y++)
        for (let z = 0; z < second; z++)
          for (let c = 0; c < first; c++) values.push(x + last * (y + third * (z + second * c)));
    const { volume } = await readVolume(array({ descr: '<i4', fortranOrder: true, shape, values }));
    expect([...volume.values]).toEqual(Array.from({ length: 24 }, (_, i) => i));
  }
});

test('the content tells what a file is, not its name', async () => {
  const nifti = put(niftiFile({ dim: [2, 1, 1], values: [7, 8] }), 'npy');
  expect([...(await readVolume(nifti)).volume.values]).toEqual([7, 8]);
  const packed = put(niftiFile({ dim: [2, 1, 1], values: [7, 8], packed: true }), 'npy');
  expect([...(await readVolume(packed)).volume.values]).toEqual([7, 8]);
  const npy = put(npyFile({ shape: [1, 1, 2], values: [7, 8] }), 'nii.gz');
  expect([...(await readVolume(npy)).volume.values]).toEqual([7, 8]);
});

describe('what cannot be read is told with the file', () => {
  const fault = async (file: string): Promise<NpyError> => {
    const error: unknown = await readVolume(file).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NpyError);
    expect((error as NpyError).message).toContain(file);
    expect(await readVolumeHeader(file).catch((reason: unknown) => reason)).toBeInstanceOf(NpyError);
    return error as NpyError;
  };

  test.each([
    [
      'a header that promises more than the file holds',
      { shape: [4096, 1024, 1024], values: [1] },
      'truncated',
      '4294967296',
    ],
    ['more than one array holds', { shape: [2 ** 40, 2 ** 40, 3], values: [1] }, 'size', '4 GiB'],
    ['an array of one axis', { shape: [5], values: [1, 2, 3, 4, 5] }, 'size', '(z, y, x)'],
    ['an array of five axes', { shape: [1, 1, 1, 1, 1], values: [1] }, 'size', '(1, 1, 1, 1, 1)'],
    ['an array without a voxel', { shape: [3, 0, 2] }, 'size', 'no voxel'],
    ['complex numbers', { descr: '<c8', shape: [1, 1, 1] }, 'type', 'c8'],
    ['objects', { descr: '|O', shape: [1, 1, 1] }, 'type', 'O'],
    [
      'structures',
      { shape: [1, 1], header: "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 1)}" },
      'type',
      '',
    ],
    ['a header that is no dictionary', { shape: [1, 1], header: 'shape = (1, 1)' }, 'header', 'dictionary'],
    [
      'a header without its shape',
      { shape: [1], header: "{'descr': '<f4', 'fortran_order': False}" },
      'header',
      'shape',
    ],
    [
      'a negative length',
      { shape: [1], header: "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2)}" },
      'header',
      '-1',
    ],
    ['a version to come', { version: 9, shape: [1, 1], values: [1] }, 'header', '9.0'],
  ] as const)('%s', async (_, spec, kind, said) => {
    const { fault: found, message } = await fault(array(spec));
    expect([found, message]).toEqual([kind, expect.stringContaining(said)]);
  });

  test('a file that ends early, wherever it does', async () => {
    const whole = npyFile({ descr: '<f4', shape: [1, 2, 2], values: [1, 2, 3, 4] });
    for (let bytes = 6; bytes < whole.length; bytes++) {
      const { fault: found } = await fault(put(whole.subarray(0, bytes)));
      expect(found).toBe('truncated');
    }
  });

  test('whole numbers beyond 2^53', async () => {
    const file = array({ descr: '<u8', shape: [1, 2], values: [1, 2n ** 60n] });
    const error: unknown = await readVolume(file).catch((reason: unknown) => reason);
    expect((error as NpyError).message).toContain('voxel 1');
  });

  test('text by the name of an array, and an archive', async () => {
    expect((await fault(put(Buffer.from('a,b,c\n1,2,3\n')))).fault).toBe('not npy');
    expect((await fault(put(Buffer.from('PK\x03\x04 and more'), 'npz'))).message).toContain('.npz');
  });

  test('a folder', async () => {
    const path = join(folder, 'folder.npy');
    mkdirSync(path);
    await expect(readVolume(path)).rejects.toThrow(path);
  });
});
