import { join } from 'node:path';
import type { TensorValues } from '../../checkpoint/dtype.ts';
import { channelsFirst } from '../../checkpoint/pytorchLayout.ts';
import { readSafetensors, type StoredTensor } from '../../checkpoint/safetensors.ts';
import { stagesPerWorkerOf, type PlacementName } from '../../config/scheduleName.ts';
import { foldedPlacement, interleavedPlacement } from '../../pipeline/placements.ts';
import { schedules } from '../../pipeline/schedules.ts';
import type { TensorMessage } from '../../transport/tensorMessage.ts';
import type { Pipeline } from '../pipeline.ts';
import type { PipelineOptions } from '../pipelineOptions.ts';
import type { ParityOptions } from './index.ts';

/*
 * What cases that run through a pipeline have in common.
 */

/** The schedule that was asked for, on the placement that was asked for or its own. */
export function scheduleOf(
  { schedule = 'gpipe', placement }: ParityOptions,
  workers: number,
): Pick<PipelineOptions, 'schedule' | 'stagesPerWorker' | 'placement'> {
  const family = { schedule: schedules[schedule], stagesPerWorker: stagesPerWorkerOf({ schedule }) };
  if (placement === undefined) return family;
  const lay: Record<PlacementName, readonly number[]> = {
    consecutive: interleavedPlacement(workers, 1),
    interleaved: interleavedPlacement(workers, 2),
    folded: foldedPlacement(workers),
  };
  return { ...family, placement: lay[placement] };
}

/** The outputs of all micro-batches one behind the other, in PyTorch's layout. */
export function joinOutputs(messages: readonly TensorMessage[]): Float32Array {
  const parts = messages.map(({ header, values }) => channelsFirst(values as Float32Array, header.shape).values);
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** What all workers together hold, by parameter name. */
export async function collect(
  pipeline: Pipeline,
  what: 'parameters' | 'gradients',
  directory: string,
): Promise<ReadonlyMap<string, StoredTensor>> {
  const files = await pipeline.dump(what, (worker) => join(directory, `${what}-${worker}.safetensors`));
  const parts = await Promise.all(files.map((file) => readSafetensors(file)));
  return new Map(parts.flatMap(({ tensors }) => [...tensors]));
}

/** Every expected tensor with ours of the same name; one that we lack is empty, and so differs. */
export const pairs = (
  expected: ReadonlyMap<string, StoredTensor>,
  got: ReadonlyMap<string, StoredTensor>,
): { name: string; got: TensorValues; expected: TensorValues }[] =>
  [...expected].map(([name, { values }]) => ({
    name,
    got: got.get(name)?.values ?? new Float32Array(0),
    expected: values,
  }));
