import type * as tf from '@tensorflow/tfjs';
import type { Tensor } from './tensor.ts';

/** What tfjs calls when values come and go. */
interface Bookkeeping {
  trackTensor(tensor: tf.Tensor, backend: unknown): void;
  removeDataId(dataId: object, backend: unknown): void;
}

/** What runs one operation of TensorFlow by its name; plain tfjs has no such thing. */
interface Executor {
  executeSingleOutput?(op: string, attributes: unknown, inputs: readonly Tensor[]): Tensor;
}

/** Bytes of the values that tensors hold; handles on the same values count once. */
export interface ValueMeter {
  now(): number;
  /** The most at once since the last call, or since the meter was made. */
  takePeak(): number;
  /** What is made inside is not counted: it holds nothing of its own. */
  unseen<T>(body: () => T): T;
  stop(): void;
}

/** Values in memory, and the handles on them. */
interface Values {
  readonly bytes: number;
  handles: number;
}

const BYTES_PER_VALUE = 4;

/** Watches an engine's bookkeeping from here on: tfjs counts what is alive, but not what was. */
export function meterValues(tfjs: typeof tf): ValueMeter {
  const engine = tfjs.engine() as unknown as Bookkeeping;
  const backend = tfjs.backend() as unknown as Executor;
  const { trackTensor, removeDataId } = engine;
  const { executeSingleOutput } = backend;
  const known = new Map<object, Values>();
  let [now, peak, seen] = [0, 0, true];
  let reshaped: Values | undefined;
  engine.trackTensor = (tensor, of) => {
    if (seen && !known.has(tensor.dataId)) {
      const bytes = tensor.size * (tensor.dtype === 'bool' ? 1 : BYTES_PER_VALUE);
      const values = reshaped ?? { bytes, handles: 0 };
      if (values.handles++ === 0) now += values.bytes;
      known.set(tensor.dataId, values);
      peak = Math.max(peak, now);
    }
    trackTensor.call(engine, tensor, of);
  };
  engine.removeDataId = (dataId, of) => {
    const values = known.get(dataId);
    if (values && --values.handles === 0) now -= values.bytes;
    known.delete(dataId);
    removeDataId.call(engine, dataId, of);
  };
  if (executeSingleOutput) {
    // TensorFlow's Reshape shares the buffer of its input, though tfjs gives the result an identity of its own.
    backend.executeSingleOutput = (op, attributes, inputs) => {
      const watched = seen;
      if (op === 'Reshape') reshaped = known.get(inputs[0]!.dataId);
      if (op === 'Reshape' && !reshaped) seen = false;
      try {
        return executeSingleOutput.call(backend, op, attributes, inputs);
      } finally {
        reshaped = undefined;
        seen = watched;
      }
    };
  }
  return {
    now: () => now,
    takePeak: () => {
      const most = peak;
      peak = now;
      return most;
    },
    unseen: (body) => {
      seen = false;
      try {
        return body();
      } finally {
        seen = true;
      }
    },
    stop: () => {
      Object.assign(engine, { trackTensor, removeDataId });
      if (executeSingleOutput) backend.executeSingleOutput = executeSingleOutput;
    },
  };
}
