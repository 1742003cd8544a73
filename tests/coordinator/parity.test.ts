import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runParity, type ParityOptions } from '../../src/coordinator/parity/index.ts';

/** Every reference case of training: SGD, RMSprop, Adam; 2D and 3D; flags and weights; deferred batch normalization. */
const cases = ['unet2d_micro2', 'unet3d_flags', 'unet3d_micro4', 'unet3d_micro4_deferred', 'unet3d_whole_batch'];

const file = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/golden/${name}.safetensors`, import.meta.url));

/** Runs a case through real worker processes; what does not agree stands in the failure. */
async function expectAgreement(name: string, options: Omit<ParityOptions, 'signal'>): Promise<void> {
  const signal = AbortSignal.timeout(150_000);
  const [result] = await runParity([file(name)], { ...options, signal }, () => {});
  expect(result?.errors.map(({ tensors }) => tensors)).toEqual(['output', 'grad', 'losses', 'after', 'eval_output']);
  expect(result?.errors.filter(({ agrees }) => !agrees)).toEqual([]);
  expect(result?.status).toBe('agrees');
}

const timeout = 180_000;

describe.each(cases)('the training case %s', (name) => {
  // With three workers some have fewer micro-batches than stages.
  it.each([1, 2, 3])('agrees with LAMP on %i workers', { timeout }, (workers) => expectAgreement(name, { workers }));
});

describe('recomputation', () => {
  it.each(['always', 'never'] as const)('%s agrees with LAMP', { timeout }, async (recompute) => {
    await expectAgreement('unet3d_flags', { workers: 2, recompute });
    await expectAgreement('unet3d_micro4_deferred', { workers: 1, recompute });
  });
});

describe('skips that are threaded through every stage between', () => {
  it.each(['never', 'always'] as const)('agree with LAMP, recomputation %s', { timeout }, async (recompute) => {
    await expectAgreement('unet3d_flags', { workers: 3, skips: 'threaded', recompute });
    await expectAgreement('unet2d_micro2', { workers: 2, skips: 'threaded', schedule: 'zb_v', recompute });
  });
});

describe('schedules', () => {
  it.each(['1f1b', 'interleaved_1f1b', 'v_1f1b', 'zb_h1', 'zb_v'] as const)(
    '%s agrees with LAMP on two and three workers',
    { timeout },
    async (schedule) => {
      await expectAgreement('unet3d_micro4', { workers: 2, schedule });
      await expectAgreement('unet2d_micro2', { workers: 3, schedule, recompute: 'always' });
    },
  );

  it('gpipe agrees with LAMP where the network is folded', { timeout }, () =>
    expectAgreement('unet3d_flags', { workers: 2, placement: 'folded', recompute: 'never' }),
  );
});

it.each([
  ['t_divisible_pad', ['output']],
  ['t_normalize_intensity_nonzero', ['output']],
  ['t_orientation_LPI', ['output', 'output_affine']],
  ['t_orientation_RAS', ['output', 'output_affine']],
  ['t_orientation_SPL', ['output', 'output_affine']],
  ['t_rand_3d_elastic_bilinear', ['output']],
  ['t_rand_3d_elastic_nearest', ['output']],
  ['t_rand_3d_elastic_reflection', ['output']],
  ['t_rand_affine_bilinear', ['output']],
  ['t_rand_affine_nearest', ['output']],
  ['t_scale_intensity_range', ['output']],
  ['t_spacing_diagonal', ['output', 'output_affine']],
  ['t_spacing_oblique', ['output', 'output_affine']],
  ['t_spatial_pad_end', ['output']],
  ['t_spatial_pad_symmetric', ['output']],
])('the transform of %s agrees with MONAI', async (name, tensors) => {
  const [result] = await runParity([file(name)], { signal: AbortSignal.timeout(10_000) }, () => {});
  expect(result?.errors.filter(({ agrees }) => !agrees)).toEqual([]);
  expect([result?.status, result?.errors.map((each) => each.tensors)]).toEqual(['agrees', tensors]);
});

it('plain tfjs agrees with LAMP through a pipeline', { timeout }, () =>
  expectAgreement('unet3d_flags', { workers: 2, engine: 'cpu' }),
);
