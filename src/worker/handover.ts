import type { DataInlet, DataOutlet } from '../transport/dataLink.ts';
import { keyOf } from '../transport/tensorMessage.ts';
import type { HostTensor } from '../checkpoint/safetensors.ts';
import type { State } from './state.ts';

const place = (step: number): { step: number; stage: number; microBatch: number } => ({
  step,
  stage: 0,
  microBatch: 0,
});

/** Sends tensors of a snapshot, in the order of `keys`, while steps go on. */
export async function handOver(
  outlet: DataOutlet,
  { step, keys, state }: { step: number; keys: readonly string[]; state: State },
  signal: AbortSignal,
): Promise<void> {
  for (const key of keys) {
    const tensor = state.get(key);
    if (!tensor) throw new Error(`${key} of the snapshot of step ${step} is not here`);
    const { shape, values } = tensor;
    await outlet.send({ kind: 'state', skip: key, ...place(step), shape }, values as Float32Array, signal);
  }
}

/** Takes what `handOver` sends. */
export async function takeOver(
  inlet: DataInlet,
  { step, keys, keep }: { step: number; keys: readonly string[]; keep: (key: string, tensor: HostTensor) => void },
  signal: AbortSignal,
): Promise<void> {
  for (const key of keys) {
    const { header, values } = await inlet.receive(keyOf({ kind: 'state', skip: key, ...place(step) }), signal);
    keep(key, { shape: header.shape, values });
  }
}
