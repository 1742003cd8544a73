import { rm } from 'node:fs/promises';
import { readSafetensors, writeSafetensors, type StoredTensor } from '../checkpoint/safetensors.ts';
import type { Pipeline } from './pipeline.ts';

/**
 * Gathers the parameters of all workers, or those of their teacher, in one file, by PyTorch's names. The file appears whole or
 * not at all.
 */
export async function saveWeights(
  pipeline: Pipeline,
  file: string,
  { what, metadata }: { what: 'parameters' | 'teacher'; metadata: Record<string, string> },
): Promise<void> {
  const partOf = (worker: number): string => `${file}.part-${worker}`;
  try {
    const tensors = new Map<string, StoredTensor>();
    for (const part of await pipeline.dump(what, partOf))
      for (const [name, tensor] of (await readSafetensors(part)).tensors) tensors.set(name, tensor);
    await writeSafetensors(file, tensors, metadata);
  } finally {
    await Promise.all(pipeline.workers.map(({ worker }) => rm(partOf(worker), { force: true })));
  }
}
