import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors, type StoredTensor } from '../../src/checkpoint/safetensors.ts';
import type { LampProcess } from './lampProcess.ts';

/** A worker as the `launched` and `recovered` events tell of it. */
export interface ToldWorker {
  readonly worker: number;
  readonly pid: number;
}

/** The processes of the workers now, in order: as they were launched, or as they are since the last recovery. */
export function workersOf(lamp: LampProcess): readonly ToldWorker[] {
  const told = [
    ...lamp.events<{ workers: ToldWorker[] }>('launched'),
    ...lamp.events<{ workers: ToldWorker[] }>('recovered'),
  ];
  return told.at(-1)!.workers;
}

/** The parameters after the last step. */
export async function lastWeights(runFolder: string): Promise<ReadonlyMap<string, StoredTensor>> {
  return (
    await readSafetensors(join(runFolder, 'last.safetensors')).catch(() =>
      readSafetensors(join(runFolder, 'weights.safetensors')),
    )
  ).tensors;
}

/** The lines of the metrics file of one kind. */
export const metricsOf = <T>(runFolder: string, kind: string): T[] =>
  readFileSync(join(runFolder, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string })
    .filter((line) => line.kind === kind) as T[];

/** The loss of every step, by its number, as the metrics file has it in the end. */
export const lossesOf = (runFolder: string): readonly (readonly [step: number, loss: number])[] =>
  metricsOf<{ step: number; loss: number }>(runFolder, 'step').map(({ step, loss }) => [step, loss]);

/** Waits for a run that other tests are compared with; throws what it said where it did not end well. */
export async function ended(lamp: LampProcess): Promise<void> {
  const code = await lamp.ended;
  if (code !== 0) throw new Error(`it ended with ${code}: ${lamp.err}`);
}
