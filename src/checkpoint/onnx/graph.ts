import type { Cell, Model } from '../../models/cell.ts';
import { describeModel } from '../../models/describe.ts';
import { GraphBuilder, type Initializer } from './graphBuilder.ts';
import { addLayer } from './layerNodes.ts';
import { int, type OnnxNode } from './node.ts';

/** What the graph takes and gives are called. */
export const inputName = 'image';
export const outputName = 'logits';

/** An axis whose size is in the file, or a name for one that is any. */
export type Axis = number | string;

/** A network in evaluation, channels first: `image` (batch, channels, …spatial) → `logits`. */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Initializer[];
  readonly input: readonly Axis[];
  readonly output: readonly Axis[];
}

/** The cells of a model as a graph. Batch and spatial sizes stay open; cells for training only are left out. */
export function onnxGraph(model: Model): OnnxGraph {
  const builder = new GraphBuilder([inputName, outputName]);
  const skips = new Map<string, string>();
  let value = inputName;
  for (const cell of model.cells) {
    if (!cell.trainingOnly) value = addCell(builder, cell, value, skips);
    if (cell.stash !== undefined) skips.set(cell.stash, value);
  }
  // A network that does nothing would have no value to call its output.
  const last = value === inputName ? builder.add('Identity', outputName, [value]) : value;
  const renamed = (name: string): string => (name === last ? outputName : name);
  const nodes = builder.nodes.map((node) => ({
    ...node,
    input: node.input.map(renamed),
    output: node.output.map(renamed),
  }));
  return { nodes, initializers: builder.initializers, ...axesOf(model) };
}

function addCell(graph: GraphBuilder, cell: Cell, input: string, skips: ReadonlyMap<string, string>): string {
  const { name, layers, pop, popThrough = [], join = 'concatenate' } = cell;
  let value = input;
  if (pop !== undefined) {
    const skip = popThrough.reduce((popped, layer) => addLayer(graph, layer, popped), skips.get(pop)!);
    const order = join === 'prepend' ? [skip, input] : [input, skip];
    value =
      join === 'add'
        ? graph.add('Add', `${name}.join`, order)
        : graph.add('Concat', `${name}.join`, order, [int('axis', 1)]);
  }
  return layers.reduce((x, layer) => addLayer(graph, layer, x), value);
}

/** Times the divisor: an input that is large enough for any network. */
const LARGE = 16;

const spatialNames = ['depth', 'height', 'width'];

/** Where the output has the size of the input, its axes have the same names, which runtimes take as the same sizes. */
function axesOf(model: Model): Pick<OnnxGraph, 'input' | 'output'> {
  const { spatialDims, inChannels, outChannels, divisor } = model;
  const spatial = spatialNames.slice(3 - spatialDims);
  const sizes = spatial.map(() => LARGE * divisor);
  const cells = model.cells.filter(({ trainingOnly }) => !trainingOnly);
  const output = describeModel({ ...model, cells }, [1, ...sizes, inChannels])
    .at(-1)!
    .outputShape.slice(1, -1);
  return {
    input: ['batch', inChannels, ...spatial],
    output: ['batch', outChannels, ...spatial.map((axis, i) => (output[i] === sizes[i] ? axis : `output ${axis}`))],
  };
}
