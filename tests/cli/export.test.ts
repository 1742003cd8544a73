import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { dumpParameters } from '../../src/checkpoint/parameters.ts';
import { readSafetensors, writeSafetensors, type HostTensor } from '../../src/checkpoint/safetensors.ts';
import { services, type ExportResult } from '../../src/cli/services.ts';
import { modelSchema } from '../../src/config/schema/model.ts';
import { startEngine } from '../../src/engine/index.ts';
import { buildModel } from '../../src/models/index.ts';
import { smallRun } from '../support/dataset.ts';
import { drawnStore } from '../support/onnx.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { lampWith } from './lamp.ts';

const folder = temporaryFolder();
const run = join(folder, 'run');
const weights = join(run, 'weights.safetensors');
let tensors: Map<string, HostTensor>;

/** A folder as training leaves it, with drawn weights. */
beforeAll(async () => {
  mkdirSync(run);
  const small = smallRun();
  writeFileSync(join(run, 'run.yaml'), stringify(small));
  const engine = await startEngine({ name: 'tensorflow' });
  const store = drawnStore(engine, buildModel(modelSchema.parse(small.model)));
  tensors = dumpParameters(engine, store);
  store.dispose();
  await writeSafetensors(weights, tensors, { run: 'small', when: 'best of epoch 3' });
});

const exported = (...words: readonly string[]) => lampWith(services, 'export', '--run', run, ...words);

test('a network is written as ONNX and verified', async () => {
  const file = join(folder, 'small.onnx');
  const { code, out } = await exported('--onnx', file);
  expect(code).toBe(0);
  const [parameters, written, verified] = out.split('\n');
  expect(parameters).toBe(`4,603 parameters from ${weights}`);
  expect(written).toMatch(new RegExp(`^${file}: [\\d.]+ [kKM]i?B$`));
  expect(verified).toMatch(
    /^ {2}verified: onnxruntime-(node|web) gives what we give for an image \(1, 1, 16, 16, 32\), to [\d.]+e-\d+ of the largest value$/,
  );
  const bytes = readFileSync(file, 'latin1');
  expect(bytes).toContain('["background","ball","box"]');
  expect(bytes).toContain('"name":"NormalizeIntensity"');
  expect(bytes).toContain('batch, channel, z, y, x');
});

test('as JSON the result says what was written and how far it is verified', async () => {
  const file = join(folder, 'json.onnx');
  const { out } = await exported('--onnx', file, '--json');
  const { files } = JSON.parse(out) as ExportResult;
  expect(files).toMatchObject([{ path: file, format: 'onnx', verification: { status: 'verified' } }]);
});

test("weights are written by PyTorch's names from a file with a wrapper's names, with what is known of them", async () => {
  const wrapped = join(folder, 'wrapped.safetensors');
  const renamed = [...tensors].map(([name, tensor]) => [`module.${name}`, tensor] as const);
  await writeSafetensors(wrapped, new Map(renamed), { epoch: '7' });
  const file = join(folder, 'small.safetensors');
  const { code } = await exported('--safetensors', file, '--weights', wrapped);
  expect(code).toBe(0);
  const { metadata, tensors: written } = await readSafetensors(file);
  expect(Object.fromEntries(metadata)).toMatchObject({
    ...{ format: 'pt', epoch: '7', run: 'small', divisor: '4', axes: 'batch, channel, z, y, x' },
    classes: '["background","ball","box"]',
  });
  expect(written.size).toBe(tensors.size);
  for (const [name, { shape, values }] of tensors) expect(written.get(name)).toEqual({ dtype: 'F32', shape, values });
});

test('weights of another network are refused with all that is missing, and nothing is written', async () => {
  const other = join(folder, 'other.safetensors');
  const [first] = [...tensors];
  await writeSafetensors(other, new Map([first!]));
  const file = join(folder, 'refused.onnx');
  const { code, err } = await exported('--onnx', file, '--weights', other);
  expect(code).toBe(2);
  expect(err).toContain(`${other} does not fit the network:\n  missing (${tensors.size - 1}):`);
  expect(existsSync(file)).toBe(false);
});

test.each([
  ['nothing to write', [], 'nothing to write: give --onnx FILE or --safetensors FILE, or both'],
  ['another ending', ['--onnx', 'net.pt'], '--onnx net.pt: give a name that ends in .onnx'],
  ['a folder that is not there', ['--onnx', 'none/net.onnx'], 'there is no folder none; make it first'],
  ['a file over its own weights', ['--safetensors', weights, '--force'], 'the weights are read from there'],
  ['weights that are not there', ['--onnx', 'net.onnx', '--weights', 'none'], '--weights none: there is no such file'],
])('%s is refused before anything is loaded', async (_, words, message) => {
  const { code, err } = await lampWith({}, 'export', '--run', run, ...words);
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(message) });
});

test('a file is written over only where that is asked for', async () => {
  const file = join(folder, 'there.safetensors');
  writeFileSync(file, 'mine');
  const refused = await exported('--safetensors', file);
  expect({ code: refused.code, err: refused.err }).toEqual({
    code: 2,
    err: expect.stringContaining('exists already; give another, or --force to write over it'),
  });
  expect(readFileSync(file, 'utf8')).toBe('mine');
  expect((await exported('--safetensors', file, '--force')).code).toBe(0);
  rmSync(file);
});
