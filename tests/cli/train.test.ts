import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Services } from '../../src/cli/services.ts';
import { exampleText } from '../config/exampleRunFile.ts';
import { run as events } from '../telemetry/events.ts';
import { lampWith } from './lamp.ts';

let folder: string;
let runFile: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamp-train-'));
  runFile = join(folder, 'run.yaml');
  writeFileSync(runFile, exampleText);
  for (const name of ['image.nii.gz', 'label.nii.gz']) writeFileSync(join(folder, name), '');
});
afterEach(() => rmSync(folder, { recursive: true }));

const trainLike: Services['train'] = async ({ directory, report }) => {
  for (const event of events) report(event);
  writeFileSync(join(directory, 'weights.safetensors'), 'x'.repeat(2000));
  return {
    meanDice: 0.6,
    dice: { left: 0.6, right: Number.NaN },
    phases: [],
    steps: 4,
    seconds: 8,
    samplesPerSecond: 2,
    directory,
  };
};
const runs = (): string => join(folder, 'runs');

test('options and --set reach the run that is trained, with its folder and base', async () => {
  let given: Parameters<Services['train']>[0] | undefined;
  const train: Services['train'] = async (options) => trainLike((given = options));
  const words = [
    '--workers',
    '3',
    '--micro-batches',
    '2',
    '--recompute',
    'never',
    '--name',
    '7',
    '--set',
    'training.epochs=9',
  ];
  const { code, err } = await lampWith({ train }, 'train', runFile, '--output', runs(), ...words);
  expect([code, err]).toEqual([0, '']);
  expect(given?.run).toMatchObject({
    name: '7',
    training: { epochs: 9 },
    pipeline: { workers: 3, micro_batches: 2, recompute: 'never' },
  });
  expect(given?.baseDirectory).toBe(folder);
  expect(given?.directory).toBe(join(runs(), '7'));
});

test('after training it prints Dice by structure, what the figure means, and the files left behind', async () => {
  const { out } = await lampWith({ train: trainLike }, 'train', runFile, '--output', runs());
  expect(out).toContain(
    [
      'structure    Dice',
      'left        0.600',
      'right      absent',
      'mean        0.600',
      '',
      'There are no validation cases in the run file: how good the network is, is not known.',
      '',
      '4 steps in 8 s, 2.00 samples/s',
      '',
      `${runs()}/brain/`,
      '',
    ].join('\n'),
  );
  expect(out).toMatch(/metrics\.jsonl +\d+ B {2}loss and Dice/);
  expect(out).toMatch(/weights\.safetensors +2\.0 kB {2}the best parameters, by name/);
});

test('the metrics of a run are in its folder, and a second run gets another', async () => {
  await lampWith({ train: trainLike }, 'train', runFile, '--output', runs());
  await lampWith({ train: trainLike }, 'train', runFile, '--output', runs());
  expect(readdirSync(runs())).toEqual(['brain', 'brain-2']);
  expect(
    readFileSync(join(runs(), 'brain-2', 'metrics.jsonl'), 'utf8')
      .trimEnd()
      .split('\n'),
  ).toHaveLength(6);
});

test('--json prints events and the result as JSON lines', async () => {
  const { out } = await lampWith({ train: trainLike }, 'train', runFile, '--output', runs(), '--json');
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string });
  expect(lines.map(({ kind }) => kind)).toEqual(['saved', ...events.map(({ kind }) => kind), 'result']);
});

test('a run that fails before its first step leaves no folder', async () => {
  const train: Services['train'] = () => Promise.reject(new RangeError('no'));
  const { code, err } = await lampWith({ train }, 'train', runFile, '--output', runs());
  expect([code, err]).toEqual([1, '✗ no\n(unexpected: --verbose shows where)\n']);
  expect(readdirSync(runs())).toEqual([]);
});

test('a run that fails later says where its figures are', async () => {
  const train: Services['train'] = async (options) => {
    await trainLike(options);
    throw new Error('worker 1 failed', { cause: new Error('out of memory') });
  };
  const { code, err } = await lampWith({ train }, 'train', runFile, '--output', runs());
  expect(code).toBe(1);
  expect(err).toContain(`what was written so far is in ${runs()}/brain`);
  expect(err).toContain('worker 1 failed\n  because out of memory');
});

const interrupted = fileURLToPath(new URL('../fixtures/cli/interrupted.mjs', import.meta.url));

async function startTraining(manner: 'polite' | 'deaf') {
  const child = spawn(process.execPath, [interrupted, manner, 'train', runFile, '--output', runs()]);
  const output = { out: '', err: '' };
  child.stderr.on('data', (chunk: Buffer) => void (output.err += chunk.toString()));
  const trains = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output.out += chunk.toString();
      if (output.out.includes('training')) resolve();
    });
  });
  await trains;
  return { child, output };
}

test('Ctrl-C ends the run cleanly, with what was saved', async () => {
  const { child, output } = await startTraining('polite');
  child.kill('SIGINT');
  const [code] = (await once(child, 'close')) as [number];
  expect(output.err).toContain('stopping …');
  expect(output.err).toContain(`what was written so far is in ${runs()}/brain`);
  expect(output.err).toContain('stopped by Ctrl-C');
  expect(code).toBe(130);
  expect(existsSync(join(runs(), 'brain', 'metrics.jsonl'))).toBe(true);
});

test('a second Ctrl-C ends at once what does not end, unless it is the echo of the first', async () => {
  const { child, output } = await startTraining('deaf');
  const closed = once(child, 'close') as Promise<[number]>;
  child.stderr.once('data', () => child.kill('SIGINT'));
  child.kill('SIGINT');
  // npm passes on what the terminal has sent already: the first and its echo are one.
  await delay(1500);
  expect(child.exitCode).toBeNull();
  child.kill('SIGINT');
  const [code] = await closed;
  expect(output.err).toContain('stopping …');
  expect(code).toBe(130);
});
