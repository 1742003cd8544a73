import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { relativeDifference } from '../../../src/checkpoint/onnx/difference.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { startEngine } from '../../../src/engine/index.ts';
import { layersFor } from '../../../src/layers/factory.ts';
import type { Layer } from '../../../src/layers/layer.ts';
import type { Model } from '../../../src/models/cell.ts';
import { layerCases } from '../../layers/cases.ts';
import { drawnInput, drawnStore, evaluateModel, exportModel, runOnnx } from '../../support/onnx.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const folder = temporaryFolder();
let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'cpu' });
});

const networkOf = (layer: Layer, input: readonly number[]): Model => ({
  name: 'one layer',
  spatialDims: input.length === 5 ? 3 : 2,
  inChannels: input.at(-1)!,
  outChannels: layer.outputShape(input).at(-1)!,
  cells: [{ name: 'cell', layers: [layer] }],
  divisor: 1,
});

const dropouts = ([2, 3] as const).map((dims) => ({
  title: 'dropout, behind which nothing is lost',
  layer: layersFor(dims).dropout('d', { rate: 0.5 }),
  input: [2, ...[3, 4, 2].slice(0, dims), 3],
}));

describe.each([2, 3] as const)('in %d dimensions', (dims) => {
  test.each([...layerCases(dims), dropouts[dims - 2]!])('$title is the same in ONNX Runtime', async (layerCase) => {
    const { layer, input } = layerCase;
    const model = networkOf(layer, input);
    const store = drawnStore(engine, model);
    const file = join(folder, `${dims} ${layerCase.title}.onnx`);
    await exportModel(engine, store, model, file);
    const image = drawnInput([input[0]!, input.at(-1)!, ...input.slice(1, -1)]);
    const [ours, theirs] = [evaluateModel(engine, store, model, image), await runOnnx(file, image)];
    store.dispose();
    expect(relativeDifference(ours, theirs)).toBeLessThan(1e-5);
  });
});
