import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors, writeSafetensors, type StoredTensor } from '../../src/checkpoint/safetensors.ts';
import { KeptCrew } from '../../src/coordinator/keptCrew.ts';
import { runParity, type ParityOptions, type ParityResult } from '../../src/coordinator/parity/index.ts';

const golden = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/golden/${name}.safetensors`, import.meta.url));

let folder: string;
/** Cases that want as many processes have the same ones. */
const crew = new KeptCrew();
const { signal } = new AbortController();
afterAll(() => crew.close());
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamp-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function parityOf(file: string, options: Omit<ParityOptions, 'signal'> = {}): Promise<ParityResult> {
  const [result] = await runParity([file], { ...options, crew, signal }, () => {});
  return result!;
}

async function expectAgreement(file: string, options: Omit<ParityOptions, 'signal'>): Promise<ParityResult> {
  const result = await parityOf(file, options);
  expect(result.errors.filter(({ agrees }) => !agrees)).toEqual([]);
  expect(result.status).toBe('agrees');
  return result;
}

/** A case like another, with something changed in its description and tensors. */
async function variantOf(
  name: string,
  change: (about: { module: string; args: Record<string, unknown> }) => object,
  tensorsOf: (tensors: ReadonlyMap<string, StoredTensor>) => ReadonlyMap<string, StoredTensor> = (same) => same,
): Promise<string> {
  const { metadata, tensors } = await readSafetensors(golden(name));
  const about = change(JSON.parse(metadata.get('case')!) as { module: string; args: Record<string, unknown> });
  const file = join(folder, `${name}-${expect.getState().currentTestName?.replaceAll(/\W+/g, '-')}.safetensors`);
  await writeSafetensors(file, tensorsOf(tensors), { case: JSON.stringify(about) });
  return file;
}

const timeout = 120_000;

describe('blocks', () => {
  it.each(['max_avg_pool_3d', 'channel_se_3d', 'residual_se_2d'])(
    '%s agrees with MONAI on the one worker that it has a cell for',
    { timeout },
    async (name) => {
      const { errors, mostWorkers } = await expectAgreement(golden(name), { workers: 2, schedule: 'zb_v' });
      const parameters = name.startsWith('max') ? [] : ['grad'];
      expect(errors.map(({ tensors }) => tensors)).toEqual(['output', 'grad_input', ...parameters, 'eval_output']);
      expect(mostWorkers).toBe(1);
    },
  );

  it('without batch normalization agrees where its batch is cut', { timeout }, async () => {
    await expectAgreement(golden('channel_se_3d'), { microBatches: 2, recompute: 'always' });
  });

  it('simple_aspp_3d agrees with MONAI cut over three workers', { timeout }, async () => {
    const { mostWorkers } = await expectAgreement(golden('simple_aspp_3d'), { workers: 3, microBatches: 2 });
    expect(mostWorkers).toBe(3);
  });
});

describe('COPLE-Net', () => {
  it.each([1, 3])('agrees with the research code, workers: %i', { timeout }, async (workers) => {
    const { errors } = await expectAgreement(golden('coplenet_bilinear'), { workers });
    expect(errors.map(({ tensors }) => tensors)).toEqual(['output', 'grad_input', 'grad', 'eval_output']);
  });

  it.each<Omit<ParityOptions, 'signal'>>([
    { workers: 2, schedule: '1f1b', recompute: 'always' },
    { workers: 2, schedule: 'interleaved_1f1b', recompute: 'never' },
    { workers: 3, schedule: 'v_1f1b', skips: 'threaded' },
    { workers: 3, schedule: 'zb_h1', recompute: 'always' },
    { workers: 2, schedule: 'zb_v', skips: 'threaded', recompute: 'always' },
  ])('agrees on $workers workers under $schedule', { timeout }, async (options) => {
    await expectAgreement(golden('coplenet_bilinear'), options);
  });

  it('takes volumes as so many slices', { timeout }, async () => {
    const deeper = (tensors: ReadonlyMap<string, StoredTensor>) =>
      new Map(
        [...tensors].map(([name, tensor]) => {
          if (name.startsWith('param.') || name.startsWith('grad.')) return [name, tensor];
          const [batch, channels, ...plane] = tensor.shape;
          return [name, unfolded(tensor, batch!, channels!, plane)];
        }),
      );
    const file = await variantOf('coplenet_bilinear', (about) => about, deeper);
    await expectAgreement(file, { workers: 2 });
  });
});

/** (slices, channels, …) → (1, channels, slices, …). */
function unfolded({ values, ...rest }: StoredTensor, slices: number, channels: number, plane: readonly number[]) {
  const size = plane.reduce((product, length) => product * length, 1);
  const out = new Float32Array(values.length);
  for (let slice = 0; slice < slices; slice++)
    for (let channel = 0; channel < channels; channel++) {
      const from = (slice * channels + channel) * size;
      out.set((values as Float32Array).subarray(from, from + size), (channel * slices + slice) * size);
    }
  return { ...rest, values: out, shape: [1, channels, slices, ...plane] };
}

describe('what cannot be compared is skipped, with the reason', () => {
  it('a module that is not ours', async () => {
    const file = await variantOf('max_avg_pool_3d', (about) => ({ ...about, module: 'Swish' }));
    const result = await parityOf(file);
    expect(result).toMatchObject({ kind: 'module', status: 'skipped' });
    expect(result.reason).toMatch(/not a module that we have: those are MaxAvgPool, .*, CopleNet/);
  });

  it.each([
    ['max_avg_pool_3d', { ceil_mode: true }, 'args.ceil_mode'],
    ['channel_se_3d', { acti_type_1: 'mish' }, 'args.acti_type_1'],
    ['residual_se_2d', { more: 1 }, 'more'],
    ['coplenet_bilinear', { dropout: [0, 0, 0.3, 0.4, 0.5] }, 'what is dropped is random'],
    ['coplenet_bilinear', { dropout: undefined }, 'the default drops at random'],
    ['coplenet_bilinear', { feature_channels: [4, 8, 16, 32, 32] }, 'args.feature_channels: each must be twice'],
  ])('%s with %j', async (name, args, reason) => {
    const file = await variantOf(name, (about) => ({ ...about, args: { ...about.args, ...args } }));
    const result = await parityOf(file);
    expect(result.status).toBe('skipped');
    expect(result.reason).toContain(reason);
  });
});

it('a gradient that is not the expected one is found', { timeout }, async () => {
  const file = await variantOf(
    'residual_se_2d',
    (about) => about,
    (tensors) => {
      const wrong = tensors.get('grad_input')!;
      return new Map([
        ...tensors,
        ['grad_input', { ...wrong, values: (wrong.values as Float32Array).map((value) => -value) }],
      ]);
    },
  );
  const result = await parityOf(file);
  expect(result.status).toBe('differs');
  expect(result.errors.filter(({ agrees }) => !agrees).map(({ tensors }) => tensors)).toEqual(['grad_input']);
});
