import { spawn, type ChildProcess } from 'node:child_process';
import { appendFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { TimeLimit } from './timeLimit.ts';

const TAIL_LINES = 40;
const GRACE_MS = 2000;

export interface CommandOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly cwd?: string | undefined;
  /** Gets all that the program prints. */
  readonly log?: string | undefined;
  readonly onLine?: ((line: string) => void) | undefined;
}

export type CommandResult =
  | { readonly kind: 'ended'; readonly code: number; readonly tail: readonly string[] }
  | { readonly kind: 'timed out'; readonly tail: readonly string[] }
  | { readonly kind: 'not started'; readonly tail: readonly string[] };

/**
 * Runs a program without a terminal and waits for it, for at most so long. Only an abort throws. The program gets a
 * process group of its own, so that its children (a compiler's, a shell script's) end with it.
 */
export async function runCommand(
  path: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  options.signal.throwIfAborted();
  const { env, cwd } = options;
  const child = spawn(path, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const lines: string[] = [];
  const read = [child.stdout, child.stderr].map((stream) => collect(stream, lines, options.onLine));
  const limit = new TimeLimit(options.signal, options.timeoutMs);
  const code = await ending(child, limit.signal).finally(() => limit.clear());
  await Promise.all(read);
  if (options.log !== undefined)
    await appendFile(options.log, `$ ${[path, ...args].join(' ')}\n${lines.join('\n')}\n\n`);
  options.signal.throwIfAborted();
  const tail = lines.slice(-TAIL_LINES);
  if (code === undefined) return { kind: 'not started', tail };
  return limit.over ? { kind: 'timed out', tail } : { kind: 'ended', code, tail };
}

async function collect(
  stream: NodeJS.ReadableStream,
  lines: string[],
  onLine: ((line: string) => void) | undefined,
): Promise<void> {
  for await (const line of createInterface({ input: stream })) {
    lines.push(line);
    onLine?.(line);
  }
}

/** The exit code; undefined where the program could not be started. A stop is polite first, then final. */
function ending(child: ChildProcess, stopped: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve) => {
    let final: NodeJS.Timeout | undefined;
    const stop = (): void => {
      killGroup(child, 'SIGTERM');
      final = setTimeout(() => killGroup(child, 'SIGKILL'), GRACE_MS);
    };
    const kill = (): void => killGroup(child, 'SIGKILL');
    const settle = (code: number | undefined): void => {
      clearTimeout(final);
      stopped.removeEventListener('abort', stop);
      process.off('exit', kill);
      resolve(code);
    };
    process.once('exit', kill);
    stopped.addEventListener('abort', stop, { once: true });
    child.once('error', () => settle(undefined));
    child.once('close', (code) => settle(code ?? 1));
  });
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}
