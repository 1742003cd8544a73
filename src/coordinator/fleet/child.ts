import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onCores } from '../cores.ts';

/** How a process ended: by itself with a code, or by a signal. */
export type Ending =
  | { kind: 'code'; code: number }
  | { kind: 'signal'; signal: NodeJS.Signals }
  | { kind: 'never started'; error: Error };

/** Characters of standard error that are kept for the report. */
const KEPT_OUTPUT = 4000;
const LAST_WORDS_MILLISECONDS = 200;
/** A line that TensorFlow logs as information, which its own variable for that does not silence: `I0000 00:00:17 port.cc:153] …`. */
const TENSORFLOW_REMARK = /^(WARNING: All log messages before absl::InitializeLog|I\d{4} \d\d:)/;

/** The built file of a process's entry: beside this one, or in `dist` where the coordinator itself runs from the sources. */
export function entryFile(name: 'worker' | 'data/loader'): string {
  const built = import.meta.url.endsWith('.ts') ? '../../../dist/' : '../../';
  return fileURLToPath(new URL(`${built}${name}/main.js`, import.meta.url));
}

export interface ChildOptions {
  readonly entry: string;
  readonly args: readonly string[];
  readonly environment: Record<string, string>;
  /** Those that it may run on; undefined: all. */
  readonly cores?: readonly number[] | undefined;
  /** What it tells this process over the channel between the two. */
  readonly onMessage?: (message: unknown) => void;
}

const running = new Set<ChildProcess>();

/** Where this process leaves without waiting for anybody (a second Ctrl-C), not even a child that is stopped stays behind. */
function killRunning(): void {
  for (const child of running) child.kill('SIGKILL');
}

/**
 * A process that the run started. It is tied to this one by an IPC channel that carries nothing: when this process is gone,
 * however it went, the channel closes and the child ends by itself.
 *
 * It has a session of its own, so that Ctrl-C in the terminal reaches the coordinator only, which is the one that decides. To
 * ignore the signal in the child would not do: kernels of TensorFlow 2.21 for AVX-512 overwrite the heap when a signal handler,
 * be it an empty one, runs on the thread that computes.
 */
export class Child {
  readonly name: string;
  readonly ended: Promise<Ending>;
  readonly #process: ChildProcess;
  #output = '';
  #ending: Ending | undefined;

  constructor(name: string, options: ChildOptions) {
    this.name = name;
    const { entry, args, cores } = options;
    const [program, ...words] = onCores(cores, [process.execPath, '--enable-source-maps', entry, ...args]);
    this.#process = spawn(program!, words, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: true,
      env: { ...process.env, ...options.environment },
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-KEPT_OUTPUT);
    });
    if (options.onMessage) this.#process.on('message', options.onMessage);
    if (running.size === 0) process.on('exit', killRunning);
    running.add(this.#process);
    this.ended = new Promise((resolve) => {
      const end = (ending: Ending): void => {
        running.delete(this.#process);
        if (running.size === 0) process.off('exit', killRunning);
        this.#ending ??= ending;
        resolve(this.#ending);
      };
      this.#process.once('error', (error) => end({ kind: 'never started', error }));
      this.#process.once('exit', (code, signal) => {
        const ending: Ending = signal ? { kind: 'signal', signal } : { kind: 'code', code: code ?? 1 };
        // What it wrote last may still be in the pipe. (`close` would wait for it, but never comes where the channel was
        // disconnected first.)
        const read = setTimeout(() => end(ending), LAST_WORDS_MILLISECONDS);
        this.#process.stderr?.once('end', () => {
          clearTimeout(read);
          end(ending);
        });
      });
    });
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  get running(): boolean {
    return this.#ending === undefined;
  }

  /** The last that it wrote to its standard error, without what TensorFlow remarks whatever happens. */
  get output(): string {
    const lines = this.#output.split('\n').filter((line) => !TENSORFLOW_REMARK.test(line));
    return lines.join('\n').trim();
  }

  /** Politely, then finally: asks to end, waits for the grace, and kills. Resolves when the process is gone. */
  async terminate(graceMilliseconds: number): Promise<void> {
    if (!this.running) return;
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), graceMilliseconds);
    if (this.#process.connected) this.#process.disconnect();
    await this.ended;
    clearTimeout(timer);
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

export function describeEnding(ending: Ending): string {
  switch (ending.kind) {
    case 'code':
      return `its process ended with code ${ending.code}`;
    case 'signal':
      return ending.signal === 'SIGKILL'
        ? 'its process was killed (SIGKILL): by a person, or by the system for want of memory'
        : `its process was ended by ${ending.signal}`;
    case 'never started':
      return `its process could not be started: ${ending.error.message}`;
  }
}
