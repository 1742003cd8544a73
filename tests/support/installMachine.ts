import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InstallContext } from '../../src/engine/install/installContext.ts';
import type { EngineProbe } from '../../src/engine/install/probe.ts';
import { wheelFile, type WheelOptions } from './wheelFile.ts';

const fixtures = fileURLToPath(new URL('../fixtures/install/', import.meta.url));

/** What the stand-in for TensorFlow's wheel holds. */
export const tensorFlowFiles = {
  'tensorflow/libtensorflow_cc.so.2': 'the C API',
  'tensorflow/libtensorflow_framework.so.2': 'the framework',
  'tensorflow/include/tensorflow/c/c_api.h': '// header',
  'tensorflow/python/ops.py': 'not needed',
};

interface FakePip {
  readonly version?: string;
  readonly behaviour?: 'download' | 'slow' | 'hang';
}

/**
 * A machine in a temporary folder: a PATH with stand-ins for pip and the compiler, a cache, and whatever wheels a test
 * puts where that pip finds them.
 */
export class InstallMachine implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'lamp-install-'));
  readonly cache = join(this.root, 'cache');
  readonly notes: string[] = [];
  readonly steps: string[] = [];
  readonly progress: (readonly [done: number, total: number | undefined])[] = [];
  readonly #bin = join(this.root, 'bin');
  #pip: FakePip = {};
  free = 1e12;

  constructor() {
    mkdirSync(this.#bin);
    mkdirSync(join(this.root, 'wheels'));
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  /** Makes a program of a shell script. */
  program(name: string, script: string): string {
    const path = join(this.#bin, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  withPip(pip: FakePip = {}): this {
    this.#pip = pip;
    this.program('pip3', `exec '${process.execPath}' '${fixtures}pip.mjs' "$@"`);
    return this;
  }

  /** A compiler that writes its arguments to what it is asked to make. */
  withCompiler(script = COMPILER): this {
    this.program('g++', script);
    return this;
  }

  withWheel(options: Partial<WheelOptions> & { readonly name: string }): this {
    const bytes = wheelFile({ files: tensorFlowFiles, ...options });
    return this.withWheelBytes(options.name, bytes);
  }

  withWheelBytes(name: string, bytes: Uint8Array): this {
    writeFileSync(join(this.root, 'wheels', `${name}-1.0-py3-none-any.whl`), bytes);
    return this;
  }

  get env(): NodeJS.ProcessEnv {
    const pip = { ...this.#pip, wheels: join(this.root, 'wheels'), log: join(this.root, 'pip.log') };
    // Nothing listens there: tfjs-node's own download is out of reach at once.
    return {
      PATH: this.#bin,
      FAKE_PIP: JSON.stringify(pip),
      LAMP_CACHE: this.cache,
      CDN_STORAGE: 'http://127.0.0.1:1/',
    };
  }

  /** Every call of `pip download` so far. */
  get downloads(): { requirement: string; args: string[]; pid: number }[] {
    const log = join(this.root, 'pip.log');
    if (!existsSync(log)) return [];
    return readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { requirement: string; args: string[]; pid: number });
  }

  context(overrides: Partial<InstallContext> = {}): InstallContext {
    return {
      cache: this.cache,
      env: this.env,
      signal: new AbortController().signal,
      report: {
        begin: (step) => void this.steps.push(step),
        progress: (done, total) => void this.progress.push([done, total]),
        end: () => {},
        note: (line) => void this.notes.push(line),
      },
      probe: (): Promise<EngineProbe> => Promise.resolve({ tensorflow: '2.21.0', usesGpu: false, sum: 2 }),
      freeDisk: () => Promise.resolve(this.free),
      ...overrides,
    };
  }
}

const COMPILER = `all="$*"
while [ $# -gt 0 ]; do
  if [ "$1" = -o ]; then echo "$all" > "$2"; fi
  shift
done`;
