import type * as tf from '@tensorflow/tfjs';
import type { Engine } from './engine.ts';

type Shared = Pick<Engine, 'math' | 'tensor' | 'read' | 'share' | 'tidy' | 'keep'>;

/** What both engines do the same way: tfjs's own bookkeeping of tensors. */
export function sharedOperations(tfjs: typeof tf): Shared {
  return {
    math: tfjs,
    tensor: (values, shape) =>
      tfjs.tensor(values, shape as number[], values instanceof Float32Array ? 'float32' : 'int32'),
    read: (tensor) => tensor.dataSync<'float32' | 'int32'>(),
    share: (tensor) => tfjs.clone(tensor),
    tidy: <T>(body: () => T): T => tfjs.tidy(body as () => tf.TensorContainer) as T,
    keep: (tensor) => tfjs.keep(tensor),
  };
}
