import type { FileHandle } from 'node:fs/promises';
import { sizeOf } from '../../engine/tensor.ts';
import { atomicWrite } from '../atomicWrite.ts';
import { inputName, outputName, type Axis, type OnnxGraph } from './graph.ts';
import type { Initializer } from './graphBuilder.ts';
import { OnnxError } from './onnxError.ts';
import { encodeFieldHead, encodeMessage } from './protobuf.ts';

/** The first with a group normalization that has a scale for each channel; what we use of it is the same in every later one. */
const OPSET = 21;
/** The version of the file format that came with it (ONNX 1.16). */
const IR_VERSION = 10;
/** A protobuf message is shorter than 2 GiB. */
const MOST_BYTES = 2 ** 31 - 1;

/** How the schema calls element types. */
const dataTypes = { float: 1, int64: 7 } as const;

export interface OnnxFileOptions {
  /** The values of a parameter in PyTorch's layout. */
  readonly read: (name: string) => Promise<Float32Array>;
  /** Kept in the file beside the graph, as text under names. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly producerVersion: string;
  /** Told the name of the written file before it takes its place; where this throws, nothing is left. */
  readonly check?: (file: string) => Promise<void>;
}

/**
 * Writes a graph as an ONNX file, whole or not at all. The tensors follow one by one behind the rest, since the order of a
 * message's fields is free: no more than the largest is in memory.
 */
export async function writeOnnx(path: string, graph: OnnxGraph, options: OnnxFileOptions): Promise<void> {
  const { read, metadata, producerVersion, check } = options;
  const head = encodeMessage('ModelProto', {
    ...{ irVersion: IR_VERSION, producerName: 'lamp', producerVersion, modelVersion: 1 },
    opsetImport: [{ domain: '', version: OPSET }],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
  const body = encodeMessage('GraphProto', {
    ...{ name: 'network', node: graph.nodes },
    input: [valueInfo(inputName, graph.input)],
    output: [valueInfo(outputName, graph.output)],
  });
  const tensors = graph.initializers.map((initializer) => ({ initializer, head: tensorHead(initializer) }));
  const bytes = tensors.reduce((sum, tensor) => sum + tensor.head.length + byteLength(tensor.initializer), body.length);
  const graphHead = encodeFieldHead('ModelProto', 'graph', bytes);
  const whole = head.length + graphHead.length + bytes;
  if (whole > MOST_BYTES)
    throw new OnnxError(path, `the network takes ${whole} bytes, and an ONNX file holds at most ${MOST_BYTES}`);
  await atomicWrite(
    path,
    async (file) => {
      for (const part of [head, graphHead, body]) await file.writeFile(part);
      for (const tensor of tensors) await writeTensor(file, tensor.head, await valuesOf(tensor.initializer, read));
    },
    check,
  );
}

const writeTensor = async (file: FileHandle, head: Uint8Array, { buffer, byteOffset, byteLength: length }: Values) => {
  await file.writeFile(head);
  await file.writeFile(new Uint8Array(buffer, byteOffset, length));
};

type Values = Float32Array | BigInt64Array;

const valuesOf = async (initializer: Initializer, read: OnnxFileOptions['read']): Promise<Values> =>
  initializer.kind === 'constant' ? initializer.values : read(initializer.name);

const isFloat = (initializer: Initializer): boolean =>
  initializer.kind === 'parameter' || initializer.values instanceof Float32Array;

const byteLength = (initializer: Initializer): number => sizeOf(initializer.dims) * (isFloat(initializer) ? 4 : 8);

/** All of a tensor's field in the graph but the values, which are what follows. */
function tensorHead(initializer: Initializer): Uint8Array {
  const { name, dims } = initializer;
  const dataType = isFloat(initializer) ? dataTypes.float : dataTypes.int64;
  const values = byteLength(initializer);
  const tensor = [
    encodeMessage('TensorProto', { name, dims, dataType }),
    encodeFieldHead('TensorProto', 'rawData', values),
  ];
  const length = tensor.reduce((sum, part) => sum + part.length, values);
  return Buffer.concat([encodeFieldHead('GraphProto', 'initializer', length), ...tensor]);
}

const valueInfo = (name: string, axes: readonly Axis[]) => ({
  name,
  type: {
    tensorType: {
      elemType: dataTypes.float,
      shape: { dim: axes.map((axis) => (typeof axis === 'number' ? { dimValue: axis } : { dimParam: axis })) },
    },
  },
});
