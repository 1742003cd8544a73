import { writeSafetensors, type HostTensor } from '../safetensors.ts';
import { CheckpointError } from './checkpointError.ts';
import { StateFiles } from './stateFiles.ts';
import { parseStateKey, type StateKey } from './stateKey.ts';
import { refused } from './systemFault.ts';

/** What of the state is written: weights by PyTorch's names, the teacher's by the same names, or all by their keys. */
export type Selection = 'weights' | 'teacher' | 'all';

export interface Converted {
  readonly tensors: number;
  /** Single numbers. */
  readonly values: number;
}

/**
 * Gathers a part of the state, whichever workers wrote it, in one safetensors file that appears whole or not at all. The
 * checkpoint was verified. Throws a CheckpointError where it holds nothing of the kind, or the file cannot be written.
 */
export async function convertCheckpoint(
  path: string,
  output: string,
  selection: Selection,
  metadata: Readonly<Record<string, string>>,
): Promise<Converted> {
  const tensors = await selected(path, selection);
  if (tensors.size === 0)
    throw new CheckpointError(path, {
      problem: `holds no ${selection === 'teacher' ? 'teacher' : 'weights'}`,
      remedy: selection === 'teacher' ? 'only training with self_ensembling has one' : 'see lamp checkpoint show',
    });
  await writeSafetensors(output, tensors, metadata).catch(refused(output, 'cannot be written'));
  return { tensors: tensors.size, values: [...tensors.values()].reduce((sum, { values }) => sum + values.length, 0) };
}

async function selected(path: string, selection: Selection): Promise<ReadonlyMap<string, HostTensor>> {
  const state = await StateFiles.open(path);
  try {
    const names = new Map(state.keys.flatMap((key) => namedFor(selection, key, parseStateKey(key))));
    const tensors = await state.read(names.keys());
    return new Map([...tensors].map(([key, tensor]) => [names.get(key)!, tensor]));
  } finally {
    await state.close();
  }
}

/** The key, and what it is called in the file; nothing where it is not asked for. */
function namedFor(selection: Selection, key: string, { kind, name }: StateKey): readonly [key: string, name: string][] {
  if (selection === 'all') return [[key, key]];
  return kind === (selection === 'teacher' ? 'teacher' : 'weight') ? [[key, name]] : [];
}
