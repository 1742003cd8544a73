import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { dumpParameters } from '../../src/checkpoint/parameters.ts';
import { readSafetensors, writeSafetensors, type HostTensor } from '../../src/checkpoint/safetensors.ts';
import { services } from '../../src/cli/services.ts';
import { modelSchema } from '../../src/config/schema/model.ts';
import { startEngine } from '../../src/engine/index.ts';
import { buildModel } from '../../src/models/index.ts';
import { lampWith } from '../cli/lamp.ts';
import { smallRun, writeRun } from '../support/dataset.ts';
import { drawnStore } from '../support/onnx.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
let tensors: Map<string, HostTensor>;
beforeAll(async () => {
  const engine = await startEngine({ name: 'cpu' });
  const store = drawnStore(engine, buildModel(modelSchema.parse(smallRun().model)));
  tensors = dumpParameters(engine, store);
  store.dispose();
});

/** Trains for one epoch, by steps too small for float32 to see. */
const train = async (name: string, initial: ReadonlyMap<string, HostTensor>) => {
  const run = join(folder, name);
  mkdirSync(run);
  await writeSafetensors(join(run, 'initial.safetensors'), initial);
  const small = { ...smallRun(), optimizer: { name: 'sgd', lr: 1e-30 } };
  Object.assign(small.training, { epochs: 1, initial_weights: 'initial.safetensors' });
  const file = await writeRun(run, small);
  return lampWith(services, 'train', file, '--output', join(run, 'runs'), '--set', 'data.samples_per_epoch=2');
};

test('a run begins with the weights that it is given, whatever wraps their names and holds their values', async () => {
  const wrapped = [...tensors].map(([name, { shape, values }], i) => {
    const whole = Float64Array.from(values as Float32Array);
    return [`partitions.${i % 3}.${name}`, { shape, values: whole }] as [string, HostTensor];
  });
  const extra = { shape: [1], values: new Float32Array(1) };
  const { code, err, out } = await train('fits', new Map<string, HostTensor>([...wrapped, ['head.weight', extra]]));
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toContain('1 of its tensors are not in the network, such as head.weight');
  const { tensors: trained } = await readSafetensors(join(folder, 'fits', 'runs', 'small', 'weights.safetensors'));
  const learnt = [...tensors].filter(([name]) => !name.includes('running'));
  expect(learnt.length).toBeGreaterThan(10);
  for (const [name, { values }] of learnt) expect(trained.get(name)!.values).toEqual(values);
});

test('weights that do not fit are told before any process starts', async () => {
  const { code, err } = await train('other', new Map([...tensors].slice(1)));
  const [[first]] = [...tensors] as [[string, HostTensor]];
  expect(code).toBe(2);
  expect(err).toContain('initial.safetensors does not fit the network:\n  missing (1):');
  expect(err).toContain(`${first} [4, 1, 3, 3, 3] is missing`);
});

test('weights that are not there are told with the other faults of the run file', async () => {
  const run = join(folder, 'none');
  mkdirSync(run);
  const file = await writeRun(run);
  const { code, err } = await lampWith(services, 'train', file, '--set', 'training.initial_weights=none.safetensors');
  expect(code).toBe(2);
  expect(err).toContain(`training.initial_weights: there is no file ${join(run, 'none.safetensors')}`);
});
