import { Worker, type WorkerOptions } from 'node:worker_threads';
import { LoadError, type LoadFault } from './loadError.ts';
import type { Task, TaskOf, TaskResults } from './task.ts';
import type { Workshop } from './workshop.ts';

/** A thread of the loader ended by itself: no sample is made any more. */
export class ThreadCrashError extends Error {
  override readonly name = 'ThreadCrashError';
}

/** What a thread answers to each task. */
export type ThreadReply = { readonly result: TaskResults[Task['kind']] } | { readonly fault: LoadFault };

interface Job {
  readonly task: Task;
  readonly turn: number;
  readonly resolve: (result: TaskResults[Task['kind']]) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  job: Job | undefined;
}

/** The built file of a thread, also where the sources run themselves. */
const entry = new URL(
  import.meta.url.endsWith('.ts') ? '../../../../dist/data/loader/threads/thread.js' : './thread.js',
  import.meta.url,
);

/**
 * Threads that make samples, each one at a time, and no more of them than were ever busy at once. They end with the process, and do not keep it alive. If one crashes, the whole pool
 * is of no use: what is asked for then, and later, is told why.
 */
export class ThreadPool implements Workshop {
  readonly #start: () => Worker;
  readonly #limit: number;
  readonly #threads: Thread[] = [];
  readonly #waiting: Job[] = [];
  #ended: Error | undefined;

  constructor(threads: number, file: URL = entry, options: WorkerOptions = {}) {
    this.#limit = threads;
    this.#start = () => new Worker(file, options);
    // One is ready for the first task; others are started when there is something for them to do.
    this.#add();
  }

  async run<K extends Task['kind']>(task: TaskOf<K>, turn: number): Promise<TaskResults[K]> {
    if (this.#ended) throw this.#ended;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, turn, resolve: resolve as Job['resolve'], reject });
      this.#next();
    });
  }

  async close(): Promise<void> {
    this.#end(new Error('the loader has ended'));
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #add(): Thread {
    const worker = this.#start();
    const thread: Thread = { worker, job: undefined };
    worker.unref();
    worker.on('message', (reply: ThreadReply) => this.#finish(thread, reply));
    worker.once('error', (error) => this.#crash(thread, `${error.name}: ${error.message}`));
    worker.once('exit', (code) => this.#crash(thread, `it ended with code ${code}`));
    this.#threads.push(thread);
    return thread;
  }

  /** Gives every idle thread the task whose turn it is. */
  #next(): void {
    while (this.#waiting.length > 0) {
      const idle = this.#threads.find(({ job }) => !job);
      if (!idle && this.#threads.length === this.#limit) return;
      const thread = idle ?? this.#add();
      const first = this.#waiting.reduce((best, { turn }, i) => (turn < this.#waiting[best]!.turn ? i : best), 0);
      const [job] = this.#waiting.splice(first, 1);
      thread.job = job;
      // The rule is about windows, and this is a thread.
      // oxlint-disable-next-line unicorn/require-post-message-target-origin
      thread.worker.postMessage(job!.task);
    }
  }

  #finish(thread: Thread, reply: ThreadReply): void {
    const { job } = thread;
    thread.job = undefined;
    if ('result' in reply) job?.resolve(reply.result);
    else job?.reject(new LoadError(reply.fault));
    this.#next();
  }

  #crash({ job }: Thread, how: string): void {
    const doing = job ? ` while it worked on ${fileOf(job.task)}` : '';
    this.#end(new ThreadCrashError(`a thread of the loader crashed${doing}: ${how}`));
  }

  #end(reason: Error): void {
    if (this.#ended) return;
    this.#ended = reason;
    for (const { job } of this.#threads) job?.reject(reason);
    for (const job of this.#waiting.splice(0)) job.reject(reason);
  }
}

const fileOf = (task: Task): string => (task.kind === 'case' ? task.files.images[0]! : task.case.source.file);
