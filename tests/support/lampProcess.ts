import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Also where this file is not a source but was compiled to `benchmarks/dist/tests/support` (`npm run chaos`). */
const root = import.meta.url.endsWith('.ts') ? '../..' : '../../../..';
const built = new URL(`${root}/dist/cli/main.js`, import.meta.url).href;
const program = `const { main } = await import(${JSON.stringify(built)}); await main(process.argv);`;

/** `lamp …` that a person has started at a terminal: a process group of its own, which Ctrl-C goes to. */
export class LampProcess {
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #child;
  out = '';
  err = '';

  /** @param before a program that starts it, and its words: that of another host */
  constructor(words: readonly string[], environment: Record<string, string> = {}, before: readonly string[] = []) {
    const [first, ...rest] = [...before, process.execPath];
    this.#child = spawn(first, [...rest, '--input-type=module', '-e', program, '--', 'lamp', ...words], {
      env: { ...process.env, NO_COLOR: '1', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      // Nothing that a test starts outlives it for long.
      timeout: 120_000,
      killSignal: 'SIGKILL',
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.err += text));
    this.ended = once(this.#child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** To this process alone. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** To the whole process group, as the terminal does. */
  press(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /** What was printed as JSON lines, of one kind. */
  events<T = Record<string, unknown>>(kind: string): T[] {
    return this.out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { kind: string })
      .filter((event) => event.kind === kind) as T[];
  }
}
