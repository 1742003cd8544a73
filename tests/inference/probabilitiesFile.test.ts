import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readNifti } from '../../src/data/nifti/read.ts';
import { ProbabilitiesFile } from '../../src/inference/probabilitiesFile.ts';
import { caseOf, floatVolume, identityAffine, labelVolume } from '../support/volumes.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
const { source: like } = caseOf(
  floatVolume([2, 2, 2], () => 0),
  labelVolume([2, 2, 2], () => 0),
  2,
);
const grid = { size: [3, 2, 4], affine: identityAffine() } as const;

/** Every value names its place: class 10000s, z 100s, voxel of the plane. */
const planes = Array.from({ length: 4 }, (_, z) => ({
  z,
  values: Float32Array.from({ length: 12 }, (__, i) => 10000 * (i % 2) + 100 * z + Math.floor(i / 2)),
}));

it.each(['packed.nii.gz', 'plain.nii'])(
  'classes become volumes, whatever order the planes come in: %s',
  async (name) => {
    const file = await ProbabilitiesFile.create({ file: join(folder, name), classes: 2, from: grid, to: grid, like });
    for (const z of [1, 0, 3, 2]) await file.add(planes[z]!);
    expect(readdirSync(folder)).not.toContain(name);
    await file.finish();
    const { volume, type } = await readNifti(join(folder, name));
    expect([type, volume.size, volume.channels]).toEqual(['float32', [3, 2, 4], 2]);
    const expected = [0, 1].flatMap((c) =>
      Array.from({ length: 24 }, (_, i) => 10000 * c + 100 * Math.floor(i / 6) + (i % 6)),
    );
    expect([...volume.values]).toEqual(expected);
  },
);

it('on another grid, what lies outside is background', async () => {
  const to = { size: [4, 2, 4], affine: identityAffine() } as const;
  const name = join(folder, 'larger.nii');
  const file = await ProbabilitiesFile.create({ file: name, classes: 2, from: grid, to, like });
  for (let z = 0; z < 4; z++) await file.add({ z, values: new Float32Array(12).fill(0.5) });
  await file.finish();
  const { volume } = await readNifti(name);
  expect([volume.size, volume.channels]).toEqual([[4, 2, 4], 2]);
  expect([...volume.values.subarray(0, 4)]).toEqual([0.5, 0.5, 0.5, 1]);
  expect([...volume.values.subarray(32, 36)]).toEqual([0.5, 0.5, 0.5, 0]);
});

it('leaves nothing behind where it is given up, and nothing but the files where it is not', async () => {
  const file = await ProbabilitiesFile.create({
    ...{ file: join(folder, 'never.nii'), classes: 2, like },
    from: grid,
    to: grid,
  });
  await file.add(planes[0]!);
  await file.discard();
  expect(readdirSync(folder).toSorted()).toEqual(['larger.nii', 'packed.nii.gz', 'plain.nii']);
});

it('a folder that is not there is named', async () => {
  const file = join(folder, 'absent', 'p.nii');
  await expect(ProbabilitiesFile.create({ file, classes: 2, from: grid, to: grid, like })).rejects.toThrow(
    /absent.p\.nii: it cannot be written \(ENOENT/,
  );
});
