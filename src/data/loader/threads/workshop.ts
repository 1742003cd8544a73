import { perform, type Task, type TaskOf, type TaskResults } from './task.ts';
import { ThreadPool } from './threadPool.ts';

/** Where samples are made. */
export interface Workshop {
  /** Tasks of a lower `turn` are begun first. Rejects with a LoadError, or a ThreadCrashError. */
  run<K extends Task['kind']>(task: TaskOf<K>, turn: number): Promise<TaskResults[K]>;
  /** Ends the threads; what they were doing is lost. */
  close(): Promise<void>;
}

/** Threads, or with 0 the thread that asks. */
export const openWorkshop = (threads: number): Workshop =>
  threads === 0 ? { run: perform, close: async () => {} } : new ThreadPool(threads);
