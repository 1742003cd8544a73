import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/data/dataError.ts';
import { loadCase, loadImage } from '../../src/data/dataset.ts';
import type { CaseFiles } from '../../src/data/caseFiles.ts';
import { niftiFile, type NiftiFileSpec } from '../support/niftiFile.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { usualTransforms } from '../support/transforms.ts';

const folder = temporaryFolder();
let files = 0;
const put = (spec: NiftiFileSpec): string => {
  const file = join(folder, `file-${files++}.nii`);
  writeFileSync(file, niftiFile(spec));
  return file;
};
const classes = ['background', 'thalamus', 'caudate'];
const image = (): string => put({ dim: [2, 2, 1], type: 'int16', values: [0, 1, 2, 3] });
const transforms = usualTransforms;
const caseOf = (imageFile: string, labelFile: string): CaseFiles => ({
  name: 'case',
  images: [imageFile],
  label: labelFile,
});
const label = (values: readonly number[], spec: Partial<NiftiFileSpec> = {}): string =>
  put({ dim: [2, 2, 1], values, ...spec });

test('the brain that comes along is a case with nine structures', async () => {
  const at = (name: string): string => fileURLToPath(new URL(`../../examples/brain9/${name}`, import.meta.url));
  const names = Array.from({ length: 10 }, (_, i) => `class ${i}`);
  const files = caseOf(at('brain_2mm_image.nii.gz'), at('brain_2mm_label.nii.gz'));
  const brain = await loadCase(files, { classes: names, channels: 1, transforms });
  expect(brain.name).toBe('case');
  expect(brain.image.size).toEqual([90, 108, 90]);
  expect(brain.image.affine[0]).toEqual([2, 0, 0, -89.5]);
  expect(brain.voxels.map((list) => list.length)).toEqual([0, 1006, 993, 868, 877, 849, 952, 862, 897, 23872]);
});

test('the image is the z-score of its non-zero voxels, each channel by itself', async () => {
  const { image: loaded, source } = await loadImage([image()], { transforms });
  const deviation = Math.sqrt(2 / 3);
  expect([...loaded.values]).toEqual([0, -1 / deviation, 0, 1 / deviation].map(Math.fround));
  expect(source.type).toBe('int16');
  const two = put({ dim: [2, 1, 1, 2], type: 'int16', values: [1, 3, 0, 500] });
  expect([...(await loadImage([two], { transforms })).image.values]).toEqual([-1, 1, 0, 0]);
});

test('labels become the classes of data.label_map, by name or index, and all else background', async () => {
  const options = { classes, transforms, label_map: { thalamus: [77, 78], 2: [5] } };
  const { labels, voxels } = await loadCase(caseOf(image(), label([77, 5, 116, 78])), options);
  expect(labels.values).toEqual(Uint8Array.of(1, 2, 0, 1));
  expect(voxels).toEqual([new Uint32Array(0), Uint32Array.of(0, 3), Uint32Array.of(1)]);
});

test('label maps of 64-bit integers and of floats are read', async () => {
  for (const type of ['int64', 'float32', 'float64', 'uint16'] as const) {
    const { labels } = await loadCase(caseOf(image(), label([0, 1, 2, 1], { type })), { classes, transforms });
    expect(labels.values).toEqual(Uint8Array.of(0, 1, 2, 1));
  }
});

describe('what does not fit is told with the file and the values', () => {
  const fault = async (imageFile: string, labelFile: string, channels?: number): Promise<DataError> => {
    const options = { classes, transforms, ...(channels === undefined ? {} : { channels }) };
    const error: unknown = await loadCase(caseOf(imageFile, labelFile), options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DataError);
    return error as DataError;
  };

  test('labels beyond the classes', async () => {
    const file = label([0, 7, 9, 7]);
    const { message } = await fault(image(), file);
    expect(message).toContain(file);
    expect(message).toContain('7 (2 voxels), 9 (1 voxels)');
    expect(message).toContain('0 to 2');
  });

  test('labels that are no whole numbers, or negative', async () => {
    expect((await fault(image(), label([0, 0.5, 1, 1], { type: 'float32' }))).message).toContain('nearest neighbour');
    expect((await fault(image(), label([0, NaN, 1, 1], { type: 'float32' }))).message).toContain('NaN (1 voxels)');
    expect((await fault(image(), label([0, -1, 1, 1], { type: 'int8' }))).message).toContain('-1 (1 voxels)');
  });

  test('sizes that differ', async () => {
    const { message } = await fault(image(), put({ dim: [2, 1, 2], values: [0, 1, 2, 1] }));
    expect(message).toContain('2 × 1 × 2');
    expect(message).toContain('2 × 2 × 1');
  });

  test('affines that differ by more than a tenth of a voxel', async () => {
    const moved = (by: number) => ({ code: 1, rows: [1, 0, 0, by, 0, 1, 0, 0, 0, 0, 1, 0] });
    const near = caseOf(image(), label([0, 1, 2, 1], { sform: moved(0.05) }));
    await expect(loadCase(near, { classes, transforms })).resolves.toBeDefined();
    expect((await fault(image(), label([0, 1, 2, 1], { sform: moved(0.5) }))).message).toContain('0.500 mm');
  });

  test('a label map in which there is nothing', async () => {
    expect((await fault(image(), label([0, 0, 0, 0]))).message).toContain('thalamus, caudate');
  });

  test('an image with NaN, or without any value', async () => {
    const holes = put({ dim: [2, 2, 1], type: 'float32', values: [1, NaN, 2, Infinity] });
    expect((await fault(holes, label([0, 1, 2, 1]))).message).toContain('2 of 4 voxels are NaN or infinite');
    expect((await fault(put({ dim: [2, 2, 1], values: [0, 0, 0, 0] }), label([0, 1, 2, 1]))).message).toContain(
      'are 0',
    );
  });

  test('4D where 3D is meant', async () => {
    const series = put({ dim: [2, 2, 1, 2], values: [1, 2, 3, 4, 5, 6, 7, 8] });
    expect((await fault(series, label([0, 1, 2, 1]), 1)).message).toContain('2 channels');
    expect((await fault(image(), put({ dim: [2, 2, 1, 2], values: [0, 1, 2, 1, 0, 0, 0, 0] }))).message).toContain(
      'channel',
    );
  });

  test('a label map entry that is no class', async () => {
    const options = { classes, transforms, label_map: { brain: [1] } };
    await expect(loadCase(caseOf(image(), label([0, 1, 1, 1])), options)).rejects.toThrow('brain');
  });
});
