import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dataSchema } from '../src/config/schema/data.ts';
import { modelSchema } from '../src/config/schema/model.ts';
import { openFeed } from '../src/data/loader/openFeed.ts';
import { writeNifti } from '../src/data/nifti/write.ts';
import { RandomStream } from '../src/random/stream.ts';
import { formatTable } from '../src/telemetry/table.ts';
import { describeMachine, thisMachine } from './support/machine.ts';
import { untilQuiet } from './support/quiet.ts';

/*
 * How fast the loader makes samples, in its own process, without a pipeline: data loading told from compute.
 *
 *     npm run bench -- loader [--size 192] [--samples 9] [--rounds 2] [--step SECONDS] [--wait SECONDS] [--output FILE]
 *
 * Volumes of 192³ with bent crops of 128³ and whole; by no thread of its own, by one, by two. Mini-batches of one sample, two ahead,
 * as training asks for them; the case is cached in memory. With --step, the time of a training step of one sample: how many threads
 * keep the pipeline fed. Rounds are interleaved, and the fastest counts, which others disturbed least.
 */

const { values: options } = parseArgs({
  options: {
    size: { type: 'string', default: '192' },
    samples: { type: 'string', default: '9' },
    rounds: { type: 'string', default: '2' },
    step: { type: 'string' },
    wait: { type: 'string', default: '0' },
    output: { type: 'string' },
  },
});
const size = Number(options.size);
const patch = Math.round((2 * size) / 3);

const bending = { rotate: 10, scale: 0.1, elastic: 4 };
const normalize = { name: 'NormalizeIntensity', nonzero: true, channel_wise: true };
const bent3d = {
  ...{ name: 'Rand3DElastic', prob: 1, sigma_range: [5, 7], magnitude_range: [50, 150] },
  ...{ rotate_range: [0.1, 0.1, 0.1], scale_range: [0.1, 0.1, 0.1] },
};
const subjects: Record<string, Record<string, unknown>> = {
  [`${patch}³ of ${size}³, data.augment.elastic`]: { patch_size: [patch, patch, patch], augment: bending },
  [`${size}³ whole, data.augment.elastic`]: { patch_size: 'whole', augment: bending },
  [`${patch}³ of ${size}³, Rand3DElastic`]: { patch_size: [patch, patch, patch], transforms: [normalize, bent3d] },
};

interface Order {
  readonly folder: string;
  readonly subject: Record<string, unknown>;
  readonly threads: number;
  readonly samples: number;
}

interface Found {
  readonly samplesPerSecond: number;
  /** Until the first sample was there: reading, and the deterministic transforms. */
  readonly first: number;
  readonly peakBytes: number;
}

/** What the loader of a run does, and nothing else. */
async function measure({ folder, subject, threads, samples }: Order): Promise<Found> {
  const entry = { image: 'image.nii.gz', label: 'label.nii.gz' };
  const data = dataSchema.parse({ train: [entry], classes: ['background', 'ball'], loaders: threads || 1, ...subject });
  const model = modelSchema.parse({ name: 'unetpipe', out_channels: 2, depth: 3 });
  const feed = await openFeed({ kind: 'dataset', data, model, seed: 1, baseDirectory: folder }, threads);
  const ask = (index: number) => feed.batch({ kind: 'training', epoch: 0, samples: [index] });
  const start = performance.now();
  await ask(0);
  const first = (performance.now() - start) / 1000;
  // The code is compiled with what runs it: each thread has seen a sample before the clock starts.
  await Promise.all([1, 2, 3].map(ask));
  const begin = performance.now();
  const ahead = [4, 5, 6].map(ask);
  for (let i = 7; i < 4 + samples + 3; i++) {
    await ahead.shift();
    if (i < 4 + samples) ahead.push(ask(i));
  }
  const seconds = (performance.now() - begin) / 1000;
  await feed.close();
  return { samplesPerSecond: samples / seconds, first, peakBytes: process.resourceUsage().maxRSS * 1024 };
}

/** In a process of its own, whose peak of memory is nobody else's. */
async function measureApart(order: Order): Promise<Found> {
  const child = fork(fileURLToPath(import.meta.url), [], {
    env: { ...process.env, LAMP_BENCHMARK: JSON.stringify(order) },
  });
  const [found] = (await once(child, 'message')) as [Found];
  await once(child, 'exit');
  return found;
}

async function writeCase(folder: string): Promise<void> {
  const stream = new RandomStream('loader benchmark', size);
  const affine = [
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
  ] as const;
  const grid = { size: [size, size, size], channels: 1, affine } as const;
  const labels = new Uint8Array(size ** 3);
  for (let i = 0; i < labels.length; i++) {
    const [x, y, z] = [i % size, Math.floor(i / size) % size, Math.floor(i / size ** 2)];
    labels[i] = Math.hypot(x - size / 2, y - size / 2, z - size / 2) < size / 4 ? 1 : 0;
  }
  const image = Float32Array.from(labels, (label) => 100 + 100 * label + stream.integer(50));
  await writeNifti(join(folder, 'image.nii.gz'), { ...grid, values: image }, { type: 'float32' });
  await writeNifti(join(folder, 'label.nii.gz'), { ...grid, values: labels }, { type: 'uint8' });
}

async function main(): Promise<void> {
  const busy = await untilQuiet(Number(options.wait));
  const machine = describeMachine(thisMachine());
  const folder = mkdtempSync(join(tmpdir(), 'lamp-bench-'));
  const rows: string[][] = [];
  try {
    await writeCase(folder);
    const best = new Map<string, Found>();
    for (let round = 0; round < Number(options.rounds); round++)
      for (const [name, subject] of Object.entries(subjects))
        for (const threads of [0, 1, 2]) {
          const found = await measureApart({ folder, subject, threads, samples: Number(options.samples) });
          const key = JSON.stringify([name, threads]);
          const before = best.get(key);
          if (!before || found.samplesPerSecond > before.samplesPerSecond) best.set(key, found);
          process.stderr.write(`${rowOf(name, threads, found).join('  ')}\n`);
        }
    for (const [key, found] of best) rows.push(rowOf(...(JSON.parse(key) as [string, number]), found));
  } finally {
    rmSync(folder, { recursive: true });
  }
  const text = report(rows, machine, busy);
  process.stdout.write(text);
  if (options.output) writeFileSync(options.output, text);
}

function rowOf(name: string, threads: number, { samplesPerSecond, first, peakBytes }: Found): string[] {
  const seconds = 1 / samplesPerSecond;
  const step = options.step === undefined ? undefined : Number(options.step);
  return [
    ...[name, threads === 0 ? 'none' : String(threads), samplesPerSecond.toFixed(2), `${seconds.toFixed(2)} s`],
    ...[`${first.toFixed(1)} s`, (peakBytes / 2 ** 30).toFixed(2)],
    ...(step === undefined ? [] : [seconds <= step ? 'fed' : `waits ${Math.round(100 * (1 - step / seconds))}%`]),
  ];
}

function report(rows: readonly string[][], machine: string, busy: number | undefined): string {
  const right = (title: string) => ({ title, align: 'right' as const });
  const columns = [
    ...[
      { title: 'sample' },
      right('data.loaders'),
      right('samples/s'),
      right('a sample every'),
      right('first'),
      right('peak GiB'),
    ],
    ...(options.step === undefined ? [] : [{ title: `steps of ${options.step} s a sample` }]),
  ];
  const others = busy === undefined ? '' : `, others took ${Math.round(100 * busy)}% of it at the start`;
  return [
    '# How fast the loader makes samples',
    '',
    'Mini-batches of one sample, two ahead; the case is cached in memory. `none`: the process itself makes them. A pipeline whose step',
    'takes as long as `a sample every` or longer (for each of its samples) does not wait for data. `first`: reading a packed file and',
    `the deterministic transforms, too. Peak memory is that of the whole process. The best of ${options.rounds} rounds.`,
    '',
    '```',
    formatTable(columns, rows),
    '```',
    '',
    `${new Date().toISOString().slice(0, 10)}, ${machine}${others}`,
    '',
  ].join('\n');
}

const order = process.env['LAMP_BENCHMARK'];
if (order === undefined) await main();
else {
  process.send!(await measure(JSON.parse(order) as Order));
  process.disconnect();
}
