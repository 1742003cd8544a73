import type * as tf from '@tensorflow/tfjs';

/** What tfjs calls when values come and go. */
interface Bookkeeping {
  trackTensor(tensor: tf.Tensor, backend: unknown): void;
  removeDataId(dataId: object, backend: unknown): void;
}

/** Bytes of the values that tensors hold; handles on the same values count once. */
export interface ValueMeter {
  /** The most at once since the last call, or since the meter was made. */
  takePeak(): number;
  /** What is made inside is not counted: it holds nothing of its own. */
  unseen<T>(body: () => T): T;
}

const BYTES_PER_VALUE = 4;

/** Watches an engine's bookkeeping from here on: tfjs counts what is alive, but not what was. */
export function meterValues(tfjs: typeof tf): ValueMeter {
  const engine = tfjs.engine() as unknown as Bookkeeping;
  const { trackTensor, removeDataId } = engine;
  const sizes = new Map<object, number>();
  let [now, peak, seen] = [0, 0, true];
  engine.trackTensor = (tensor, backend) => {
    if (seen && !sizes.has(tensor.dataId)) {
      const bytes = tensor.size * (tensor.dtype === 'bool' ? 1 : BYTES_PER_VALUE);
      sizes.set(tensor.dataId, bytes);
      now += bytes;
      peak = Math.max(peak, now);
    }
    trackTensor.call(engine, tensor, backend);
  };
  engine.removeDataId = (dataId, backend) => {
    now -= sizes.get(dataId) ?? 0;
    sizes.delete(dataId);
    removeDataId.call(engine, dataId, backend);
  };
  return {
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
  };
}
