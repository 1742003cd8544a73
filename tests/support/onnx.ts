import { onnxGraph } from '../../src/checkpoint/onnx/graph.ts';
import { findRuntime, type ChannelsFirst } from '../../src/checkpoint/onnx/runtime.ts';
import { writeOnnx } from '../../src/checkpoint/onnx/write.ts';
import { dumpParameters } from '../../src/checkpoint/parameters.ts';
import { channelsFirst, channelsLast } from '../../src/checkpoint/pytorchLayout.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { sizeOf } from '../../src/engine/tensor.ts';
import type { ParameterStore } from '../../src/layers/parameterStore.ts';
import { layersOf, type Model } from '../../src/models/cell.ts';
import { draw, fillStore, passOf } from '../layers/bench.ts';
import { evaluateCells } from './singleProcess.ts';

/** Every parameter and running statistic drawn; scales stay near 1, so that values stay within what float32 can tell. */
export const drawnStore = (engine: Engine, model: Model): ParameterStore => {
  const store = fillStore(engine, model.cells.flatMap(layersOf));
  for (const { spec, value } of store.all()) {
    const fanIn = sizeOf(spec.shape.slice(0, -1));
    const scaled = engine.tidy(() => engine.math.mul(value.read(), spec.layout === 'vector' ? 1 : fanIn ** -0.5));
    value.assign(scaled);
    scaled.dispose();
  }
  return store;
};

/** Writes the network as ONNX to `file`. */
export async function exportModel(engine: Engine, store: ParameterStore, model: Model, file: string): Promise<void> {
  const parameters = dumpParameters(engine, store);
  await writeOnnx(file, onnxGraph(model), {
    read: async (name) => parameters.get(name)!.values as Float32Array,
    metadata: {},
    producerVersion: 'test',
  });
}

/** An input (batch, channels, …spatial) of drawn values. */
export const drawnInput = (shape: readonly number[]): ChannelsFirst => ({ shape, values: draw(shape.join(), shape) });

/** What our engine makes of an input in evaluation. */
export function evaluateModel(
  engine: Engine,
  store: ParameterStore,
  model: Model,
  input: ChannelsFirst,
): ChannelsFirst {
  const { values, shape } = channelsLast(input.values, input.shape);
  const x = engine.tensor(values, shape);
  const output = evaluateCells(passOf(engine, store), model.cells, x, engine);
  const result = channelsFirst(engine.read(output) as Float32Array, output.shape);
  [x, output].forEach((tensor) => tensor.dispose());
  return result;
}

/** What ONNX Runtime makes of an input. */
export async function runOnnx(file: string, input: ChannelsFirst): Promise<ChannelsFirst> {
  const runtime = await findRuntime();
  return runtime!.run(file, input);
}
