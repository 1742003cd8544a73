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
    'x.conv.weight has shape [2, 4, 3, 3], expected [4, 2, 3, 3]',
    'x.up.weight [2, 4, 2, 2] is missing',
    'x.norm.running_mean has dtype I32, expected F32',
  ]);
  expect(store.all()).toEqual([]);
  await file.close();
});

test('gradients are dumped where there are any', () => {
  const store = filled();
  store.accumulate('conv.weight', engine.math.ones([3, 3, 2, 4]));
  const gradients = dumpGradients(engine, store);
  expect([...gradients.keys()]).toEqual(['conv.weight']);
  expect(gradients.get('conv.weight')!.shape).toEqual([4, 2, 3, 3]);
  store.dispose();
});
