import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readReferenceCase } from '../../src/coordinator/parity/referenceCase.ts';
import { runSurfaceCase } from '../../src/coordinator/parity/surfaceCase.ts';

const file = fileURLToPath(new URL('../fixtures/golden/metric_surface.safetensors', import.meta.url));

it('surface distances agree with MONAI', async () => {
  const reference = await readReferenceCase(file);
  const found = reference.description;
  if (found.status !== 'known' || found.description.kind !== 'metric' || found.description.metric !== 'surface')
    throw new Error(`${file} is read as something else`);
  const errors = runSurfaceCase(reference, found.description);
  expect(errors.map(({ tensors }) => tensors)).toEqual(['hd', 'hd95', 'hd95_spacing', 'asd', 'assd', 'surface_dice']);
  expect(errors.filter(({ agrees }) => !agrees)).toEqual([]);
});
