import { parentPort, type Transferable } from 'node:worker_threads';
import type { LoadError } from './loadError.ts';
import { perform, type Task, type TaskResults } from './task.ts';
import type { ThreadReply } from './threadPool.ts';

// A thread of the loader at a glance: it is given a task, does it, and hands over what came of it without copying.
parentPort!.on('message', (task: Task) => {
  void answer(task).then(([reply, transfer]) => parentPort!.postMessage(reply, transfer));
});

async function answer(task: Task): Promise<[ThreadReply, Transferable[]]> {
  try {
    const result = await perform(task);
    return [{ result }, ownMemory(task, result)];
  } catch (error) {
    const { file, message, bad, stack } = error as LoadError;
    return [{ fault: { file, message, bad, stack } }, []];
  }
}

/** The buffers of a result; those that threads share stay where they are. */
function ownMemory(task: Task, result: TaskResults[Task['kind']]): ArrayBuffer[] {
  if (task.kind === 'case') return [];
  const arrays =
    'values' in result ? [result.values] : 'labels' in result && 'shape' in result ? [result.image, result.labels] : [];
  const buffers = arrays.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer);
  return [...new Set(buffers)];
}
