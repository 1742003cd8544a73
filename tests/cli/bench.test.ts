import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { services } from '../../src/cli/services.ts';
import { traceSchema } from '../../src/telemetry/trace.ts';
import { lampWith } from './lamp.ts';

let folder: string;
let runFile: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamp-bench-'));
  runFile = join(folder, 'run.yaml');
  writeFileSync(
    runFile,
    `name: tiny
model: { name: unetpipe, out_channels: 2, n_feat: 4, depth: 1 }
data: { synthetic: [8, 8, 8], classes: [background, thing] }
loss: { name: cross_entropy }
optimizer: { name: sgd, lr: 0.01 }
training: { epochs: 2, batch_size: 4 }
pipeline: { workers: 2, schedule: 1f1b, recompute: never }
engine: { threads: 1 }
`,
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

const words = (...more: readonly string[]): string[] => ['bench', runFile, '--rounds', '2', '--steps', '1', ...more];

test('a grid is measured beside one worker and the machine’s ceiling, and told as a table, JSON and plots', async () => {
  const output = join(folder, 'results');
  const grid = ['--workers', '2', '--micro-batches', '2,8', '--schedule', 'gpipe,zb_v', '--output', output];
  const { code, out, err } = await lampWith({ bench: services.bench }, ...words(...grid));
  expect([code, err.match(/left out: .*/g)?.length]).toEqual([0, 4]);
  expect(err).toContain('round 2/2  2 workers, 2 micro-batches, zb_v');
  for (const text of ['samples/s', 'one worker', 'independent', 'gpipe', 'zb_v', '4 samples of 8 × 8 × 8 a step'])
    expect(out).toContain(text);
  const result = JSON.parse(readFileSync(join(output, 'bench.json'), 'utf8')) as {
    figures: { subject: object; samplesPerSecond: number; peaks: number[]; bytesSent: number; efficiency: number }[];
  };
  expect(result.figures.map(({ subject }) => subject)).toEqual([
    { kind: 'independent', workers: 1, microBatches: 2 },
    { kind: 'independent', workers: 2, microBatches: 2 },
    { kind: 'pipeline', workers: 2, microBatches: 2, schedule: 'gpipe' },
    { kind: 'pipeline', workers: 2, microBatches: 2, schedule: 'zb_v' },
  ]);
  for (const { samplesPerSecond, peaks } of result.figures) {
    expect(samplesPerSecond).toBeGreaterThan(0);
    for (const peak of peaks) expect(peak).toBeGreaterThan(2 ** 20);
  }
  expect(result.figures.map(({ peaks }) => peaks.length)).toEqual([1, 2, 2, 2]);
  expect(result.figures[1]!.bytesSent).toBe(0);
  expect(result.figures[2]!.bytesSent).toBeGreaterThan(0);
  const svg = readFileSync(join(output, 'bench.svg'), 'utf8');
  for (const text of ['tiny: throughput over workers', 'ideal: so many times one worker', 'gpipe', 'zb_v'])
    expect(svg).toContain(text);
  const { width, height, data } = PNG.sync.read(readFileSync(join(output, 'bench.png')));
  expect([width, height]).toEqual([1800, 1120]);
  // Not one colour all over: lines and letters are there.
  expect(new Set(data).size).toBeGreaterThan(20);
}, 120_000);

test('a schedule that is none is told before anything starts', async () => {
  const { code, err } = await lampWith({}, ...words('--schedule', 'gpip'));
  expect(code).toBe(2);
  expect(err).toContain('gpip is none of gpipe, 1f1b');
});

test('lamp train --trace leaves the last steps for Perfetto, with arrows between the workers', async () => {
  const trace = join(folder, 'trace.json');
  const flags = ['--output', join(folder, 'runs'), '--trace', trace, '--trace-steps', '2'];
  const samples = ['--set', 'data.samples_per_epoch=8'];
  const { code, out } = await lampWith({ train: services.train }, 'train', runFile, ...flags, ...samples);
  expect(code).toBe(0);
  expect(out).toContain(`saved trace: ${trace}`);
  const { traceEvents } = traceSchema.parse(JSON.parse(readFileSync(trace, 'utf8')));
  const slices = traceEvents.filter((event) => event.ph === 'X' && event.cat !== 'wait');
  // Four micro-batches there and back on each of two workers; of four steps, the last two.
  expect(slices.length).toBe(2 * 2 * 8);
  expect(new Set(slices.map((event) => event.ph === 'X' && event.args['step']))).toEqual(new Set([3, 4]));
  const begun = traceEvents.filter(({ ph }) => ph === 's').length;
  expect(begun).toBeGreaterThanOrEqual(2 * 8);
  expect(traceEvents.filter(({ ph }) => ph === 'f').length).toBe(begun);
  expect(existsSync(join(folder, 'runs', 'tiny', 'weights.safetensors'))).toBe(true);
}, 120_000);
