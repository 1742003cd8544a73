import type { DescribedLayer, LayerDescription } from '../../layers/description.ts';
import type { GraphBuilder } from './graphBuilder.ts';
import { float, int, ints, text, type OnnxAttribute } from './node.ts';

/** Adds what a layer does in evaluation to `input`; returns the name of its output. */
export function addLayer(graph: GraphBuilder, layer: DescribedLayer, input: string): string {
  const rule = rules[layer.description.kind] as (graph: GraphBuilder, layer: DescribedLayer, input: string) => string;
  return rule(graph, layer, input);
}

type Kind = LayerDescription['kind'];

type Rule<K extends Kind> = (
  graph: GraphBuilder,
  layer: DescribedLayer<Extract<LayerDescription, { kind: K }>>,
  input: string,
) => string;

/** One rule for every kind of layer. ONNX takes parameters in the order in which our layers have them: weight, bias, statistics. */
const rules: { readonly [K in Kind]: Rule<K> } = {
  convolution: (graph, layer, input) => {
    const { strides, dilations, padding } = layer.description;
    return graph.add('Conv', layer.name, withParameters(graph, layer, input), [
      ints('strides', strides),
      ints('dilations', dilations),
      ints('pads', bothSides(padding)),
    ]);
  },

  'transposed convolution': (graph, layer, input) => {
    const { strides, padding, outputPadding } = layer.description;
    return graph.add('ConvTranspose', layer.name, withParameters(graph, layer, input), [
      ints('strides', strides),
      ints('pads', bothSides(padding)),
      ints('output_padding', outputPadding),
    ]);
  },

  'batch normalization': (graph, layer, input) =>
    graph.add('BatchNormalization', layer.name, withParameters(graph, layer, input), [
      float('epsilon', layer.description.epsilon),
    ]),

  'instance normalization': (graph, layer, input) => {
    const { channels, epsilon } = layer.description;
    const learnt = layer.parameters.length > 0;
    const inputs = learnt
      ? withParameters(graph, layer, input)
      : [input, ...scaleAndOffset(graph, layer.name, channels)];
    return graph.add('InstanceNormalization', layer.name, inputs, [float('epsilon', epsilon)]);
  },

  'group normalization': (graph, layer, input) =>
    graph.add('GroupNormalization', layer.name, withParameters(graph, layer, input), [
      float('epsilon', layer.description.epsilon),
      int('num_groups', layer.description.groups),
    ]),

  'leaky ReLU': (graph, { name, description: { slope } }, input) =>
    slope === 0 ? graph.add('Relu', name, [input]) : graph.add('LeakyRelu', name, [input], [float('alpha', slope)]),

  'parametric ReLU': (graph, { name, parameters, description: { spatialDims } }, input) => {
    const slopes = parameters[0]!;
    // One for each channel has to line up with the channels of (batch, channels, …spatial).
    const dims = [...slopes.shape, ...new Array<number>(spatialDims).fill(1)];
    return graph.add('PRelu', name, [input, graph.parameter(slopes, dims)]);
  },

  sigmoid: (graph, { name }, input) => graph.add('Sigmoid', name, [input]),
  'max pooling': (graph, layer, input) => graph.add('MaxPool', layer.name, [input], windows(layer.description)),
  'average pooling': (graph, layer, input) => graph.add('AveragePool', layer.name, [input], windows(layer.description)),

  'linear upsampling': (graph, { name, description: { scale } }, input) => {
    const scales = graph.constant(`${name}.scales`, Float32Array.from([1, 1, ...scale]));
    return graph.add(
      'Resize',
      name,
      [input, '', scales],
      [text('mode', 'linear'), text('coordinate_transformation_mode', 'align_corners')],
    );
  },

  'squeeze and excitation': (graph, { name, parameters, description }, input) => {
    const [weight0, bias0, weight2, bias2] = parameters.map((spec) => graph.parameter(spec));
    const axes = BigInt64Array.from({ length: description.spatialDims }, (_, axis) => BigInt(axis + 2));
    const space = graph.constant(`${name}.axes`, axes);
    const activate = (part: string, activation: LayerDescription, x: string): string =>
      addLayer(graph, { name: `${name}.${part}`, parameters: [], description: activation }, x);
    const linear = (part: string, x: string, weight: string, bias: string): string =>
      graph.add('Gemm', `${name}.${part}`, [x, weight, bias], [int('transB', 1)]);

    const squeezed = graph.add('ReduceMean', `${name}.squeeze`, [input, space], [int('keepdims', 0)]);
    const hidden = activate('hidden', description.hidden, linear('fc.0', squeezed, weight0!, bias0!));
    const gate = activate('gate', description.gate, linear('fc.2', hidden, weight2!, bias2!));
    const gated = graph.add('Mul', name, [input, graph.add('Unsqueeze', `${name}.spread`, [gate, space])]);
    return description.residual ? graph.add('Add', name, [gated, input]) : gated;
  },

  'side by side': (graph, { name, description: { branches } }, input) =>
    graph.add(
      'Concat',
      name,
      branches.map((branch) => addLayer(graph, branch, input)),
      [int('axis', 1)],
    ),

  nothing: (_graph, _layer, input) => input,
};

const withParameters = (graph: GraphBuilder, { parameters }: DescribedLayer, input: string): string[] => [
  input,
  ...parameters.map((spec) => graph.parameter(spec)),
];

/** ONNX's pads: all beginnings, then all ends. */
const bothSides = (padding: readonly number[]): number[] => [...padding, ...padding];

const windows = ({ sizes, strides }: { sizes: readonly number[]; strides: readonly number[] }): OnnxAttribute[] => [
  ints('kernel_shape', sizes),
  ints('strides', strides),
];

/** What normalizes without learning: scale 1, offset 0. */
const scaleAndOffset = (graph: GraphBuilder, name: string, channels: number): string[] => [
  graph.constant(`${name}.scale`, new Float32Array(channels).fill(1)),
  graph.constant(`${name}.offset`, new Float32Array(channels)),
];
