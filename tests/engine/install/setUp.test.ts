import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { InstallError } from '../../../src/engine/install/installError.ts';
import { engineOf } from '../../../src/engine/install/location.ts';
import { setUpEngine } from '../../../src/engine/install/setUp.ts';
import { engineState } from '../../../src/engine/install/state.ts';
import { InstallMachine, tensorFlowFiles } from '../../support/installMachine.ts';

const cpu = { variant: 'cpu' } as const;

/** What a set-up leaves beside the engines: nothing. */
const leftovers = (machine: InstallMachine): string[] =>
  readdirSync(join(machine.cache, 'engine')).filter((name) => name.startsWith('.'));

const faultsOf = ({ faults }: { faults: readonly InstallError[] }): string[] => faults.map(({ fault }) => fault);

test('an engine is built from the wheel, with the names that the addon knows its libraries by', async () => {
  using machine = new InstallMachine().withPip().withCompiler().withWheel({ name: 'tensorflow_cpu' });
  const outcome = await setUpEngine(cpu, machine.context());
  const engine = engineOf('cpu', machine.cache)!;
  expect(outcome).toEqual({ kind: 'ready', fresh: true, engine, faults: [] });
  const libraries = join(engine.directory, 'deps', 'lib');
  expect(readFileSync(join(libraries, 'libtensorflow_cc.so.2'), 'utf8')).toBe('the C API');
  expect(readlinkSync(join(libraries, 'libtensorflow.so.2'))).toBe('libtensorflow_cc.so.2');
  expect(readlinkSync(join(libraries, 'libtensorflow_framework.so'))).toBe('libtensorflow_framework.so.2');
  expect(readFileSync(engine.addon, 'utf8')).toContain('-rpath,$ORIGIN/../../deps/lib');
  expect(JSON.parse(readFileSync(join(engine.directory, 'engine.json'), 'utf8'))).toMatchObject({
    tensorflow: '2.21.0',
  });
  expect(leftovers(machine)).toEqual([]);
  expect(engineState(machine.env)).toMatchObject({ kind: 'ready' });
});

test('a second set-up does nothing', async () => {
  using machine = new InstallMachine().withPip().withCompiler().withWheel({ name: 'tensorflow_cpu' });
  await setUpEngine(cpu, machine.context());
  const outcome = await setUpEngine(cpu, machine.context());
  expect(outcome).toMatchObject({ kind: 'ready', fresh: false });
  expect(machine.downloads).toHaveLength(1);
});

test('--force builds anew, and keeps what is there where that fails', async () => {
  using machine = new InstallMachine().withPip().withCompiler().withWheel({ name: 'tensorflow_cpu' });
  await setUpEngine(cpu, machine.context());
  machine.withWheel({
    name: 'tensorflow_cpu',
    files: { ...tensorFlowFiles, 'tensorflow/libtensorflow_cc.so.2': 'new' },
  });
  expect(await setUpEngine({ ...cpu, force: true }, machine.context())).toMatchObject({ kind: 'ready', fresh: true });
  const library = join(engineOf('cpu', machine.cache)!.directory, 'deps', 'lib', 'libtensorflow_cc.so.2');
  expect(readFileSync(library, 'utf8')).toBe('new');

  machine.withWheelBytes('tensorflow_cpu', Buffer.from('no wheel'));
  const outcome = await setUpEngine({ ...cpu, force: true }, machine.context());
  expect(outcome).toMatchObject({ kind: 'ready', fresh: false });
  expect(faultsOf(outcome)).toEqual(['corrupt wheel', 'prebuilt']);
  expect(readFileSync(library, 'utf8')).toBe('new');
});

test('the download chooses a wheel by its target, whatever Python this machine has', async () => {
  using machine = new InstallMachine().withPip().withCompiler().withWheel({ name: 'tensorflow_cpu' });
  await setUpEngine(cpu, machine.context());
  const [download] = machine.downloads;
  expect(download!.requirement).toBe('tensorflow-cpu==2.21.0');
  const line = download!.args.join(' ');
  expect(line).toContain('--no-deps --only-binary=:all: --python-version 3.11 --implementation cp');
  expect(line).toMatch(/--platform manylinux_2_27_(x86_64|aarch64)/);
});

test.each([
  ['no pip', 'pip', (machine: InstallMachine) => machine.withCompiler(), /apt-get install python3-pip/],
  ['no wheel', 'wheel', (machine: InstallMachine) => machine.withPip().withCompiler(), /PIP_INDEX_URL/],
  ['no compiler', 'compiler', (machine: InstallMachine) => machine.withPip(), /apt-get install g\+\+/],
])('with %s there is a line that says so and how to mend it, then plain tfjs', async (_, fault, prepare, remedy) => {
  using machine = new InstallMachine();
  prepare(machine);
  const outcome = await setUpEngine(cpu, machine.context());
  expect(outcome.kind).toBe('plain');
  expect(faultsOf(outcome)).toEqual([fault, 'prebuilt']);
  expect(machine.notes[0]).toMatch(remedy);
  expect(machine.notes).toHaveLength(2);
  expect(leftovers(machine)).toEqual([]);
});

test('a disk that is too small is told before anything is downloaded', async () => {
  using machine = new InstallMachine().withPip().withCompiler().withWheel({ name: 'tensorflow_cpu' });
  machine.free = 0.5e9;
  const outcome = await setUpEngine(cpu, machine.context());
  expect(faultsOf(outcome)).toEqual(['disk', 'disk']);
  expect(machine.notes[0]).toMatch(/0\.5 GB of disk left; 1\.3 GB are needed[\s\S]*LAMP_CACHE=/);
  expect(machine.downloads).toEqual([]);
});

test('a cache that cannot be written leaves plain tfjs', async () => {
  using machine = new InstallMachine();
  writeFileSync(machine.cache, 'a file where the folder should be');
  const outcome = await setUpEngine(cpu, machine.context());
  expect(outcome.kind).toBe('plain');
  expect(faultsOf(outcome)).toEqual(['cache']);
});

test('a wheel whose content is not what its RECORD says is refused', async () => {
  using machine = new InstallMachine().withPip().withCompiler();
  machine.withWheel({ name: 'tensorflow_cpu', record: 'tensorflow/libtensorflow_cc.so.2,sha256=AAAA,9\n' });
  const outcome = await setUpEngine(cpu, machine.context());
  expect(faultsOf(outcome)).toEqual(['corrupt wheel', 'prebuilt']);
  expect(machine.notes[0]).toContain('libtensorflow_cc.so.2 is not what its RECORD says');
  expect(leftovers(machine)).toEqual([]);
});

test("a compiler that fails is quoted, with the log's place", async () => {
  using machine = new InstallMachine().withPip().withWheel({ name: 'tensorflow_cpu' });
  machine.withCompiler('echo "tfjs_backend.cc:1: error: no C++17" >&2; exit 1');
  const outcome = await setUpEngine(cpu, machine.context());
  expect(faultsOf(outcome)).toEqual(['compilation', 'prebuilt']);
  expect(machine.notes[0]).toContain('error: no C++17');
  const log = outcome.faults[0]!.log!;
  expect(readFileSync(log, 'utf8')).toContain('error: no C++17');
});

test('an engine that does not load is not kept', async () => {
  using machine = new InstallMachine().withPip().withCompiler().withWheel({ name: 'tensorflow_cpu' });
  const probe = () => Promise.reject(new InstallError('loading', 'it does not load'));
  const outcome = await setUpEngine(cpu, machine.context({ probe }));
  expect(faultsOf(outcome)).toEqual(['loading', 'prebuilt']);
  expect(engineOf('cpu', machine.cache)).toBeUndefined();
});

test('without a wheel for GPUs the one for CPUs is taken, and the reason told', async () => {
  using machine = new InstallMachine().withPip().withCompiler().withWheel({ name: 'tensorflow_cpu' });
  const outcome = await setUpEngine({ variant: 'gpu' }, machine.context());
  expect(outcome).toMatchObject({ kind: 'ready', engine: { variant: 'cpu' } });
  expect(faultsOf(outcome)).toEqual(['wheel']);
  expect(machine.notes[0]).toContain('no gpu engine: pip has no wheel of tensorflow==2.21.0');
});

test('what an earlier set-up left when it was killed, its lock too, is taken away', async () => {
  using machine = new InstallMachine().withPip().withCompiler().withWheel({ name: 'tensorflow_cpu' });
  const engines = join(machine.cache, 'engine');
  mkdirSync(join(engines, '.partial-abcdef', 'download'), { recursive: true });
  writeFileSync(join(engines, '.partial-abcdef', 'download', 'half.whl'), 'half');
  mkdirSync(join(engines, '.set-up.lock'));
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(join(engines, '.set-up.lock'), longAgo, longAgo);
  const outcome = await setUpEngine(cpu, machine.context());
  expect(outcome).toMatchObject({ kind: 'ready', fresh: true });
  expect(leftovers(machine)).toEqual([]);
});

test('of two set-ups at once one does the work and the other waits for it', async () => {
  using machine = new InstallMachine()
    .withPip({ behaviour: 'slow' })
    .withCompiler()
    .withWheel({ name: 'tensorflow_cpu' });
  const outcomes = await Promise.all([setUpEngine(cpu, machine.context()), setUpEngine(cpu, machine.context())]);
  expect(new Set(outcomes.map((outcome) => outcome.kind === 'ready' && outcome.fresh))).toEqual(new Set([false, true]));
  expect(machine.downloads).toHaveLength(1);
  expect(machine.notes).toEqual(['another set-up is at work; waiting for it']);
});

test('Ctrl-C in the middle of a download ends pip and leaves nothing behind', async () => {
  using machine = new InstallMachine().withPip({ behaviour: 'hang' }).withCompiler();
  const stop = new AbortController();
  const running = setUpEngine(cpu, machine.context({ signal: stop.signal }));
  while (machine.downloads.length === 0) await sleep(20);
  stop.abort(new Error('stopped by Ctrl-C'));
  await expect(running).rejects.toThrow('stopped by Ctrl-C');
  expect(() => process.kill(machine.downloads[0]!.pid, 0)).toThrow('ESRCH');
  expect(leftovers(machine)).toEqual([]);
  expect(engineState(machine.env)).toEqual({ kind: 'missing' });
});

test('a set-up that found nothing is remembered until something that it depends on changes', async () => {
  using machine = new InstallMachine().withPip();
  expect(engineState(machine.env)).toEqual({ kind: 'missing' });
  await setUpEngine(cpu, machine.context());
  const state = engineState(machine.env);
  expect(state).toMatchObject({
    kind: 'unavailable',
    message: expect.stringMatching(/200 TIMES SLOWER.*npm run setup/),
  });
  expect(engineState({ ...machine.env, PIP_INDEX_URL: 'https://mirror.example/simple' })).toEqual({ kind: 'missing' });
  machine.withCompiler();
  expect(engineState(machine.env)).toEqual({ kind: 'missing' });

  machine.withWheel({ name: 'tensorflow_cpu' });
  await setUpEngine(cpu, machine.context());
  expect(engineState(machine.env)).toMatchObject({ kind: 'ready' });
  expect(existsSync(join(machine.cache, 'engine', 'unavailable.json'))).toBe(false);
});

test.each([
  ['25.0', 'raw'],
  ['24.1', 'raw'],
  ['23.2.1', 'off'],
])("pip %s is asked for '%s' progress, and the bar moves with either", async (version, bar) => {
  using machine = new InstallMachine().withPip({ version, behaviour: 'slow' }).withCompiler();
  machine.withWheel({ name: 'tensorflow_cpu' });
  await setUpEngine(cpu, machine.context());
  const { args } = machine.downloads[0]!;
  expect(args[args.indexOf('--progress-bar') + 1]).toBe(bar);
  expect(machine.progress.length).toBeGreaterThan(0);
});
