import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { dumpGradients, dumpParameters, loadParameters, ParameterLoadError } from '../../src/checkpoint/parameters.ts';
import { SafetensorsFile, writeSafetensors } from '../../src/checkpoint/safetensors.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { sizeOf } from '../../src/engine/tensor.ts';
import type { ParameterSpec } from '../../src/layers/parameter.ts';
import { ParameterStore } from '../../src/layers/parameterStore.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'cpu' });
});

const base = { initializer: { kind: 'constant', value: 0 }, role: 'parameter' } as const;
const SPECS: ParameterSpec[] = [
  { ...base, name: 'conv.weight', shape: [3, 3, 2, 4], layout: 'convolution' },
  { ...base, name: 'up.weight', shape: [2, 2, 4, 2], layout: 'transposed' },
  { ...base, name: 'norm.running_mean', shape: [4], layout: 'vector', role: 'buffer' },
];

const filled = (): ParameterStore => {
  const store = new ParameterStore(engine);
  for (const spec of SPECS) {
    const value = engine.tensor(
      Float32Array.from({ length: sizeOf(spec.shape) }, (_, i) => i),
      spec.shape,
    );
    store.add(spec, value);
    value.dispose();
  }
  return store;
};

test('parameters come back from a file as they were, into an empty store or over other values', async () => {
  const before = engine.memory();
  const [store, empty] = [filled(), new ParameterStore(engine)];
  const path = join(folder, 'weights.safetensors');
  await writeSafetensors(path, dumpParameters(engine, store));
  const file = await SafetensorsFile.open(path);
  expect(file.entries.get('conv.weight')!.shape).toEqual([4, 2, 3, 3]);
  expect(file.entries.get('up.weight')!.shape).toEqual([2, 4, 2, 2]);
  await loadParameters(engine, empty, SPECS, file);
  expect(dumpParameters(engine, empty)).toEqual(dumpParameters(engine, store));
  await loadParameters(engine, empty, SPECS, file);
  expect(empty.all()).toHaveLength(3);
  await file.close();
  [store, empty].forEach((owned) => owned.dispose());
  expect(engine.memory()).toEqual(before);
});

test('every fault of a file is told at once, with what was expected', async () => {
  const path = join(folder, 'faulty.safetensors');
  await writeSafetensors(
    path,
    new Map([
      ['x.conv.weight', { shape: [2, 4, 3, 3], values: new Float32Array(72) }],
      ['x.norm.running_mean', { shape: [4], values: new Int32Array(4) }],
    ]),
  );
  const [file, store] = [await SafetensorsFile.open(path), new ParameterStore(engine)];
  const error = await loadParameters(engine, store, SPECS, file, 'x.').catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ParameterLoadError);
  expect((error as ParameterLoadError).faults).toEqual([
    'x.up.weight [2, 4, 2, 2] is missing',
    'x.conv.weight has shape [2, 4, 3, 3], expected [4, 2, 3, 3]',
    'x.norm.running_mean has dtype I32, expected F32',
  ]);
  expect(store.all()).toEqual([]);
  await file.close();
});

test('a long list of faults is cut, and says how many there are', async () => {
  const specs = Array.from({ length: 25 }, (_, i) => ({ ...SPECS[2]!, name: `norm.${i}.weight` }));
  const path = join(folder, 'other.safetensors');
  await writeSafetensors(path, new Map([['head.weight', { shape: [1], values: new Float32Array(1) }]]));
  const [file, store] = [await SafetensorsFile.open(path), new ParameterStore(engine)];
  const error = await loadParameters(engine, store, specs, file).catch((caught: unknown) => caught);
  await file.close();
  expect((error as Error).message.split('\n')).toEqual([
    `${path} does not fit the network:`,
    '  missing (25):',
    ...specs.slice(0, 10).map(({ name }) => `    ${name} [4] is missing`),
    '    and 15 more',
    '  not in the network (1):',
    '    head.weight',
    'Is the model in the run file (n_feat, depth, channels, norm) the one that was saved?',
  ]);
});

test.each([
  ['float16', Uint16Array.from([0x3c00, 0xc000, 0x3800, 0x0000]), 'F16'],
  ['bfloat16', Uint16Array.from([0x3f80, 0xc000, 0x3f00, 0x0000]), 'BF16'],
  ['float64', Float64Array.from([1, -2, 0.5, 0]), 'F64'],
])('%s becomes float32', async (_, values, dtype) => {
  const path = join(folder, `${dtype}.safetensors`);
  writeFileSync(path, safetensorsOf('module.norm.running_mean', dtype, values));
  const [file, store] = [await SafetensorsFile.open(path), new ParameterStore(engine)];
  await loadParameters(engine, store, [SPECS[2]!], file);
  await file.close();
  expect([...(dumpParameters(engine, store).get('norm.running_mean')!.values as Float32Array)]).toEqual([
    1, -2, 0.5, 0,
  ]);
  store.dispose();
});

/** A file of one tensor of any element type, of which the writer has fewer. */
function safetensorsOf(name: string, dtype: string, values: Uint16Array | Float64Array): Uint8Array {
  const entry = { dtype, shape: [values.length], data_offsets: [0, values.byteLength] };
  const header = Buffer.from(JSON.stringify({ [name]: entry }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.from(values.buffer)]);
}

test('gradients are dumped where there are any', () => {
  const store = filled();
  store.accumulate('conv.weight', engine.math.ones([3, 3, 2, 4]));
  const gradients = dumpGradients(engine, store);
  expect([...gradients.keys()]).toEqual(['conv.weight']);
  expect(gradients.get('conv.weight')!.shape).toEqual([4, 2, 3, 3]);
  store.dispose();
});
