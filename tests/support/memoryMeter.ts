import * as tf from '@tensorflow/tfjs';

/** What the engine's bookkeeping calls when values come and go. */
interface Bookkeeping {
  trackTensor(tensor: tf.Tensor, backend: unknown): void;
  removeDataId(dataId: object, backend: unknown): void;
}

/** Bytes of the values that were made since the meter started; handles on the same values count once. */
export interface MemoryMeter {
  now(): number;
  /** The most at once since the last call. */
  takePeak(): number;
  /** What is made inside is not counted. */
  unseen<T>(body: () => T): T;
  stop(): void;
}

/** Watches the engine's bookkeeping from here on. */
export function startMemoryMeter(): MemoryMeter {
  const engine = tf.engine() as unknown as Bookkeeping;
  const { trackTensor, removeDataId } = engine;
  const sizes = new Map<object, number>();
  let [now, peak, unseen] = [0, 0, false];
  engine.trackTensor = (tensor, backend) => {
    if (!unseen && !sizes.has(tensor.dataId)) {
      const bytes = tensor.size * (tensor.dtype === 'bool' ? 1 : 4);
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
    now: () => now,
    takePeak: () => {
      const most = peak;
      peak = now;
      return most;
    },
    unseen: (body) => {
      unseen = true;
      try {
        return body();
      } finally {
        unseen = false;
      }
    },
    stop: () => void Object.assign(engine, { trackTensor, removeDataId }),
  };
}
