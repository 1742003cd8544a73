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
  const parts = pipeline.workers.map(({ worker }) => `${file}.part-${worker}`);
  try {
    await pipeline.dump(what, (worker) => parts[worker]!);
    const tensors = new Map<string, StoredTensor>();
    for (const part of parts)
      for (const [name, tensor] of (await readSafetensors(part)).tensors) tensors.set(name, tensor);
    await writeSafetensors(file, tensors, metadata);
  } finally {
    await Promise.all(parts.map((part) => rm(part, { force: true })));
  }
}
