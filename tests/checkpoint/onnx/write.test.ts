import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { relativeDifference } from '../../../src/checkpoint/onnx/difference.ts';
import { onnxGraph } from '../../../src/checkpoint/onnx/graph.ts';
import { OnnxError } from '../../../src/checkpoint/onnx/onnxError.ts';
import { writeOnnx } from '../../../src/checkpoint/onnx/write.ts';
import { modelSchema } from '../../../src/config/schema/model.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { startEngine } from '../../../src/engine/index.ts';
import { buildModel } from '../../../src/models/index.ts';
import { drawnInput, drawnStore, evaluateModel, exportModel, runOnnx } from '../../support/onnx.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const folder = temporaryFolder();
let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'tensorflow' });
});

const small = { in_channels: 2, out_channels: 3, n_feat: 8, depth: 2 };
const levels = { in_channels: 2, out_channels: 3, feature_channels: [4, 8, 16, 32, 64] };
const networks = ([2, 3] as const).flatMap((spatial_dims) => [
  ...(['batch', 'instance', 'group'] as const).map((norm) => ({ ...small, name: 'unetpipe', spatial_dims, norm })),
  { ...small, name: 'unetpipe', spatial_dims, deep_supervision: true },
  { ...small, name: 'seunet', spatial_dims },
  { ...levels, name: 'coplenet', spatial_dims },
  { ...levels, name: 'coplenet', spatial_dims, bilinear: false },
]);

test.each(networks)('$name in $spatial_dims dimensions ($norm) is the same network in ONNX Runtime', async (spec) => {
  const model = buildModel(modelSchema.parse(spec));
  const store = drawnStore(engine, model);
  const file = join(folder, 'network.onnx');
  await exportModel(engine, store, model, file);
  // Two images of unlike sizes, then one of others: all axes but the channels are open.
  const sizes = [3, 2, 1].slice(3 - spec.spatial_dims).map((times) => times * model.divisor);
  for (const shape of [
    [2, 2, ...sizes],
    [1, 2, ...sizes.toReversed()],
  ]) {
    const image = drawnInput(shape);
    const [ours, theirs] = [evaluateModel(engine, store, model, image), await runOnnx(file, image)];
    expect(relativeDifference(ours, theirs)).toBeLessThan(1e-4);
  }
  store.dispose();
});

const tiny = buildModel(modelSchema.parse({ ...small, name: 'unetpipe', spatial_dims: 2, n_feat: 2, depth: 1 }));
const zeros = async (name: string) => {
  const spec = onnxGraph(tiny).initializers.find((each) => each.name === name)!;
  return new Float32Array(spec.dims.reduce((size, n) => size * n, 1));
};

test('what a check does not like is not left behind', async () => {
  const file = join(folder, 'refused.onnx');
  const check = async (): Promise<void> => {
    throw new Error('not the same');
  };
  const options = { read: zeros, metadata: {}, producerVersion: '1', check };
  await expect(writeOnnx(file, onnxGraph(tiny), options)).rejects.toThrow('not the same');
  expect(existsSync(file)).toBe(false);
  expect(readdirSync(folder).filter((name) => name.includes('refused'))).toEqual([]);
});

test('a network that no protobuf message can hold is refused before anything is written', async () => {
  const graph = onnxGraph(tiny);
  const large = [{ kind: 'parameter', name: 'large', dims: [1024, 1024, 512] }] as const;
  const options = { read: zeros, metadata: {}, producerVersion: '1' };
  const file = join(folder, 'large.onnx');
  await expect(writeOnnx(file, { ...graph, initializers: large }, options)).rejects.toThrow(OnnxError);
  expect(existsSync(file)).toBe(false);
});
