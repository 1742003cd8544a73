import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { KeptCrew } from '../../src/coordinator/keptCrew.ts';
import { runParity, type ParityOptions } from '../../src/coordinator/parity/index.ts';

/** Every reference case of training: SGD, RMSprop, Adam; 2D and 3D; flags and weights; deferred batch normalization. */
const cases = ['unet2d_micro2', 'unet3d_flags', 'unet3d_micro4', 'unet3d_micro4_deferred', 'unet3d_whole_batch'];

const file = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/golden/${name}.safetensors`, import.meta.url));

/** Cases that want as many processes have the same ones. */
const crew = new KeptCrew();
const { signal } = new AbortController();
afterAll(() => crew.close());

/** Runs a case through real worker processes; what does not agree stands in the failure. */
async function expectAgreement(name: string, options: Omit<ParityOptions, 'signal'>): Promise<void> {
  const [result] = await runParity([file(name)], { ...options, crew, signal }, () => {});
  expect(result?.errors.map(({ tensors }) => tensors)).toEqual(['output', 'grad', 'losses', 'after', 'eval_output']);
  expect(result?.errors.filter(({ agrees }) => !agrees)).toEqual([]);
  expect(result?.status).toBe('agrees');
}

const timeout = 180_000;

type Settings = Omit<ParityOptions, 'signal' | 'workers'>;

const families = ['1f1b', 'interleaved_1f1b', 'v_1f1b', 'zb_h1', 'zb_v'] as const;
const modes = ['always', 'never'] as const;

/** By workers, so that their processes need not be started anew. With three some have fewer micro-batches than stages. */
const runs: Readonly<Record<number, readonly (readonly [name: string, settings: Settings])[]>> = {
  1: [
    ...cases.map((name) => [name, {}] as const),
    ...modes.map((recompute) => ['unet3d_micro4_deferred', { recompute }] as const),
    ['unet3d_micro4_deferred', { replicas: 2 }],
  ],
  2: [
    ...cases.map((name) => [name, {}] as const),
    ...modes.map((recompute) => ['unet3d_flags', { recompute }] as const),
    ...modes.map((recompute) => ['unet2d_micro2', { skips: 'threaded', schedule: 'zb_v', recompute }] as const),
    ...families.map((schedule) => ['unet3d_micro4', { schedule }] as const),
    ['unet3d_flags', { placement: 'folded', recompute: 'never' }],
    ['unet3d_micro4', { replicas: 2, schedule: 'zb_h1' }],
    // Plain tfjs.
    ['unet3d_flags', { engine: 'cpu' }],
  ],
  3: [
    ...cases.map((name) => [name, {}] as const),
    ...modes.map((recompute) => ['unet3d_flags', { skips: 'threaded', recompute }] as const),
    ...families.map((schedule) => ['unet2d_micro2', { schedule, recompute: 'always' }] as const),
    ['unet3d_flags', { replicas: 2 }],
  ],
};

describe.each([1, 2, 3])('on %i workers', (workers) => {
  it.each(runs[workers]!)('the training case %s with %j agrees with LAMP', { timeout }, (name, settings) =>
    expectAgreement(name, { ...settings, workers }),
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
