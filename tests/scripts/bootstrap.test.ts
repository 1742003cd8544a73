import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
let checkouts = 0;

const root = fileURLToPath(new URL('../..', import.meta.url));

const packages = join(root, 'node_modules');

const fakeNpm = `
const { appendFileSync, mkdirSync, rmSync, symlinkSync } = require('node:fs');
const from = process.env.LAMP_TEST_PACKAGES;
appendFileSync(__dirname + '/npm.log', process.argv.slice(2).join(' ') + '\\n');
rmSync('node_modules', { recursive: true, force: true });
mkdirSync('node_modules/.bin', { recursive: true });
symlinkSync(from + '/typescript', 'node_modules/typescript');
symlinkSync(from + '/@types', 'node_modules/@types');
symlinkSync(from + '/.bin/tsc', 'node_modules/.bin/tsc');
`;

/**
 * A checkout in a temporary folder with one small source, and an npm that counts its calls and puts the packages of
 * this checkout in place.
 */
class Checkout {
  readonly folder: string;
  readonly #bin: string;

  constructor() {
    this.folder = join(folder, String(checkouts++), 'checkout');
    this.#bin = join(this.folder, '..', 'bin');
    for (const part of [
      'scripts',
      'bin',
      'tsconfig.json',
      'tsconfig.build.json',
      'package.json',
      'package-lock.json',
    ]) {
      cpSync(join(root, part), join(this.folder, part), { recursive: true });
    }
    mkdirSync(join(this.folder, 'src', 'cli'), { recursive: true });
    this.write('src/cli/main.ts', 'export const main = async (): Promise<void> => console.log("lamp runs");\n');
    mkdirSync(this.#bin);
    writeFileSync(join(this.#bin, 'npm-cli.js'), fakeNpm);
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  get npmCalls(): string[] {
    return readFileSync(join(this.#bin, 'npm.log'), 'utf8').trim().split('\n');
  }

  run(...args: string[]) {
    const env = { ...process.env, npm_execpath: join(this.#bin, 'npm-cli.js'), LAMP_TEST_PACKAGES: packages };
    const options = { cwd: this.folder, env, encoding: 'utf8', timeout: 60_000 } as const;
    return spawnSync(process.execPath, args, options);
  }

  build() {
    return this.run('scripts/run.mjs', 'build');
  }

  lamp() {
    return this.run('bin/lamp.mjs');
  }
}

test('a fresh checkout is made ready, and made ready again in no step at all', () => {
  const checkout = new Checkout();
  const first = checkout.build();
  expect(first.stderr).toBe('');
  expect(first.stdout).toMatch(/packages +npm ci: first time/);
  expect(first.stdout).toMatch(/build +tsc: src → dist \(.*s\)/);
  expect(checkout.npmCalls).toEqual(['ci --include=dev --ignore-scripts --no-progress']);
  expect(checkout.lamp().stdout).toBe('lamp runs\n');

  const built = statSync(join(checkout.folder, 'dist', 'cli', 'main.js')).mtimeMs;
  const second = checkout.build();
  expect(second).toMatchObject({ status: 0, stdout: '', stderr: '' });
  expect(checkout.npmCalls).toHaveLength(1);
  expect(statSync(join(checkout.folder, 'dist', 'cli', 'main.js')).mtimeMs).toBe(built);
});

test('packages are installed again when the lock file changed, and sources compiled when they did', () => {
  const checkout = new Checkout();
  checkout.build();
  checkout.write('package-lock.json', readFileSync(join(root, 'package-lock.json'), 'utf8').replace('0.1.0', '0.1.1'));
  expect(checkout.build().stdout).toMatch(/npm ci: package-lock\.json changed/);
  expect(checkout.npmCalls).toHaveLength(2);

  checkout.write('src/cli/main.ts', 'export const main = async (): Promise<void> => console.log("lamp changed");\n');
  expect(checkout.lamp()).toMatchObject({ status: 1, stderr: expect.stringMatching(/not built.*npm run setup/) });
  const rebuilt = checkout.build();
  expect(rebuilt.stdout).not.toContain('npm ci');
  expect(checkout.lamp().stdout).toBe('lamp changed\n');
});

test('compiled files of sources that are gone go too', () => {
  const checkout = new Checkout();
  checkout.write('src/gone.ts', 'export const gone = 1;\n');
  checkout.build();
  rmSync(join(checkout.folder, 'src', 'gone.ts'));
  checkout.build();
  expect(statSync(join(checkout.folder, 'dist', 'gone.js'), { throwIfNoEntry: false })).toBeUndefined();
});

test('sources that do not compile end the set-up with what the compiler says, and are tried again', () => {
  const checkout = new Checkout();
  checkout.write('src/cli/main.ts', 'export const main: string = 1;\n');
  for (const result of [checkout.build(), checkout.build()]) {
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/do not compile[\s\S]*main\.ts/);
  }
});

test('before any set-up lamp says what to do', () => {
  const checkout = new Checkout();
  expect(checkout.lamp()).toMatchObject({ status: 1, stderr: 'lamp is not set up yet. Do: npm run setup\n' });
});

test('npx finds lamp where it looks for programs', () => {
  const checkout = new Checkout();
  checkout.build();
  expect(checkout.run('node_modules/.bin/lamp').stdout).toBe('lamp runs\n');
});

test('a command that there is not is told with those that there are', () => {
  const { status, stderr } = new Checkout().run('scripts/run.mjs', 'trian');
  expect(status).toBe(1);
  expect(stderr).toMatch(/'trian' is no command; there are: setup, build, demo, test/);
});
