import { FrameError } from './errors.ts';
import type { FrameFault } from './errors.ts';
import { MsgpackError, pack, unpack } from './msgpack.ts';
import { cut, joined } from './pieces.ts';

/*
 * A tensor on a data link: a MessagePack header and the raw bytes, in the byte order of the machine (little endian).
 *
 *     ┌───────────────┬──────────────────────────┐
 *     │ header (map)  │ values, row major        │
 *     └───────────────┴──────────────────────────┘
 */

/** Where in the run a tensor belongs; `stage` is the stage that it is for. */
interface Place {
  readonly step: number;
  readonly microBatch: number;
  readonly stage: number;
}

/**
 * `output`: the prediction of the last stage. `flags`: which classes are annotated. `counts`: voxels of every class in the whole
 * mini-batch, (classes), once a step and as micro-batch 0. `reduction`: a chunk of what replicas sum, on its way round their ring; as
 * stage its bucket, as micro-batch the round.
 */
export type PlainKind = 'activation' | 'gradient' | 'image' | 'label' | 'flags' | 'counts' | 'output' | 'reduction';
/** Tensors that go by portal from the stage that stashes to the one that pops, and the gradient back. */
export type SkipKind = 'skip' | 'skipGradient';
/** A tensor of a network's state (a parameter, an optimizer's slot …), named by its key. */
export type NamedKind = SkipKind | 'state';
export type TensorKind = PlainKind | NamedKind;

/** What a receiver waits for. */
export type TensorAddress =
  | (Place & { readonly kind: PlainKind })
  | (Place & { readonly kind: NamedKind; /** The skip's name, or the key. */ readonly skip: string });

export type DType = 'float32' | 'int32' | 'uint8';
export type TensorValues = Float32Array | Int32Array | Uint8Array;

/** What the sender says of a tensor; the element type is that of the values. */
export type OutgoingTensor = TensorAddress & { readonly shape: readonly number[] };

/** The first frame. */
export type TensorHeader = OutgoingTensor & {
  /** The random id of this run: frames of another are refused. */
  readonly run: string;
  readonly dtype: DType;
};

export interface TensorMessage {
  readonly header: TensorHeader;
  /** Row major; a view of the received frame. Whoever receives it may keep and change it. */
  readonly values: TensorValues;
}

/** What a link knows, and checks every message against. */
export interface LinkRules {
  /** The peer at the other end, for error messages. */
  readonly link: string;
  readonly run: string;
  /** Bytes of values in one message. */
  readonly maxBytes: number;
  /** Where values go in pieces, the bytes of each; else they are one frame. */
  readonly pieceBytes?: number | undefined;
}

export const MAX_RANK = 6;
/** A header needs about 150 bytes; a frame over this is not one. */
const MAX_HEADER_BYTES = 4096;
const MAX_NAME_LENGTH = 256;

export const DEFAULT_MAX_BYTES = 2 ** 31;

/** The string that a receiver waits for: one for every tensor of a run. */
export const keyOf = (address: TensorAddress): string => {
  const key = `${address.kind} of step ${address.step}, micro-batch ${address.microBatch}, for stage ${address.stage}`;
  return isNamed(address) ? `${key}, ${address.kind === 'state' ? 'key' : 'skip'} ${address.skip}` : key;
};

/** The frames; those after the first share memory with `values`. Throws a FrameError for a tensor that the receiver would refuse. */
export const encode = (tensor: OutgoingTensor, values: TensorValues, rules: LinkRules): Uint8Array[] => {
  const { kind, step, microBatch, stage, shape } = tensor;
  const skip = isNamed(tensor) ? { skip: tensor.skip } : {};
  const header = { kind, run: rules.run, step, microBatch, stage, ...skip, shape: [...shape], dtype: dtypeOf(values) };
  checkHeader(header, values.byteLength, rules);
  const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return [pack(header), ...(rules.pieceBytes === undefined ? [raw] : cut(raw, rules.pieceBytes))];
};

/** The message in frames that came from outside; throws a FrameError unless every field is as it must be. */
export const decode = (frames: readonly Uint8Array[], rules: LinkRules): TensorMessage => {
  const [first, ...rest] = frames;
  if (!first || rest.length === 0 || (rest.length > 1 && rules.pieceBytes === undefined))
    throw refuse(rules, 'frames', `${frames.length} frames instead of 2`);
  if (first.byteLength > MAX_HEADER_BYTES)
    throw refuse(rules, 'header', `a header of ${first.byteLength} bytes, at most ${MAX_HEADER_BYTES}`);
  const byteLength = rest.reduce((sum, frame) => sum + frame.byteLength, 0);
  const header = checkHeader(unpackHeader(first, rules), byteLength, rules);
  const raw = rules.pieceBytes === undefined ? rest[0] : joined(rest, rules.pieceBytes);
  if (!raw)
    throw refuse(rules, 'frames', `${byteLength} bytes in ${rest.length} pieces not of ${rules.pieceBytes} each`);
  return { header, values: viewOf(raw, header.dtype) };
};

const isNamed = (address: { kind: TensorKind }): address is TensorAddress & { kind: NamedKind } =>
  NAMED_KINDS.has(address.kind);

const dtypeOf = (values: TensorValues): DType => {
  if (values instanceof Float32Array) return 'float32';
  return values instanceof Int32Array ? 'int32' : 'uint8';
};

const refuse = (rules: LinkRules, reason: FrameFault, detail: string): FrameError =>
  new FrameError(reason, rules.link, detail);

const unpackHeader = (frame: Uint8Array, rules: LinkRules): Record<string, unknown> => {
  try {
    const value = unpack(frame);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    if (error instanceof MsgpackError) throw refuse(rules, 'header', error.message);
    throw error;
  }
  throw refuse(rules, 'header', 'the header is not a map');
};

const FIELDS = ['kind', 'run', 'step', 'microBatch', 'stage', 'shape', 'dtype'];
const PLAIN_KINDS: ReadonlySet<unknown> = new Set<PlainKind>([
  'activation',
  'gradient',
  'image',
  'label',
  'flags',
  'counts',
  'output',
  'reduction',
]);
const NAMED_KINDS: ReadonlySet<unknown> = new Set<NamedKind>(['skip', 'skipGradient', 'state']);
const WIDTHS: ReadonlyMap<unknown, number> = new Map<DType, number>([
  ['float32', 4],
  ['int32', 4],
  ['uint8', 1],
]);

/** Every field, written by hand because a message passes here for every tensor of a step. Returns a fresh header. */
const checkHeader = (fields: Record<string, unknown>, byteLength: number, rules: LinkRules): TensorHeader => {
  const { kind, run, step, microBatch, stage, skip, shape, dtype } = fields;
  if (run !== rules.run)
    throw refuse(rules, 'run', `it belongs to another run (${show(run)}), this one is ${rules.run}`);
  const isNamedKind = NAMED_KINDS.has(kind);
  if (!isNamedKind && !PLAIN_KINDS.has(kind)) throw refuse(rules, 'field', `kind ${show(kind)} is none of ours`);
  for (const [name, value] of Object.entries({ step, microBatch, stage }))
    if (!isCount(value)) throw refuse(rules, 'field', `${name} is ${show(value)}, expected an integer from 0`);
  if (isNamedKind && !isName(skip)) throw refuse(rules, 'field', `skip is ${show(skip)}, expected its name`);
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name) && !(isNamedKind && name === 'skip'));
  if (unknown !== undefined) throw refuse(rules, 'field', `unknown field ${show(unknown)}`);
  const width = WIDTHS.get(dtype);
  if (width === undefined) throw refuse(rules, 'field', `dtype ${show(dtype)}, expected float32, int32 or uint8`);
  const sizes = checkShape(shape, width, byteLength, rules);
  return { kind, run, step, microBatch, stage, ...(isNamedKind ? { skip } : {}), shape: sizes, dtype } as TensorHeader;
};

const checkShape = (shape: unknown, width: number, byteLength: number, rules: LinkRules): readonly number[] => {
  if (!Array.isArray(shape) || shape.length > MAX_RANK || !shape.every(isCount))
    throw refuse(rules, 'field', `shape ${show(shape)}, expected at most ${MAX_RANK} integers from 0`);
  const expected = shape.reduce((product: number, size: number) => product * size, width);
  if (expected > rules.maxBytes || byteLength > rules.maxBytes)
    throw refuse(rules, 'tooLarge', `${Math.max(expected, byteLength)} bytes of values, at most ${rules.maxBytes}`);
  if (expected !== byteLength)
    throw refuse(rules, 'size', `shape [${shape.join(', ')}] takes ${expected} bytes, the frame has ${byteLength}`);
  return shape;
};

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME_LENGTH;

/** A value from outside, short enough for a message. */
const show = (value: unknown): string => {
  const text = value === undefined || typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
};

/** The frame's own memory where its offset suits the element size; else one copy. */
const viewOf = (raw: Uint8Array, dtype: DType): TensorValues => {
  const { byteOffset, byteLength } = raw;
  const buffer = raw.buffer as ArrayBuffer;
  if (dtype === 'uint8') return new Uint8Array(buffer, byteOffset, byteLength);
  const ArrayType = dtype === 'float32' ? Float32Array : Int32Array;
  const aligned = byteOffset % ArrayType.BYTES_PER_ELEMENT === 0;
  return aligned
    ? new ArrayType(buffer, byteOffset, byteLength / ArrayType.BYTES_PER_ELEMENT)
    : new ArrayType(buffer.slice(byteOffset, byteOffset + byteLength));
};
