import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { dumpParameters } from '../src/checkpoint/parameters.ts';
import { writeSafetensors } from '../src/checkpoint/safetensors.ts';
import { inferenceSchema } from '../src/config/schema/inference.ts';
import { modelSchema } from '../src/config/schema/model.ts';
import { cutWindow } from '../src/data/cutWindow.ts';
import { predict } from '../src/coordinator/predict.ts';
import { encodeNiftiHeader } from '../src/data/nifti/encode.ts';
import type { Affine } from '../src/data/volume.ts';
import { startEngine } from '../src/engine/index.ts';
import { mostLikely } from '../src/inference/planes.ts';
import { windowsFor } from '../src/inference/slidingWindow/settings.ts';
import { Stitcher } from '../src/inference/slidingWindow/stitcher.ts';
import { ParameterStore } from '../src/layers/parameterStore.ts';
import { parameterSpecs } from '../src/models/describe.ts';
import { buildModel } from '../src/models/index.ts';
import { initializeParameters } from '../src/models/initialize.ts';
import { formatTable } from '../src/telemetry/table.ts';
import { describeMachine, thisMachine } from './support/machine.ts';

/*
 * Memory and time of sliding windows over a large image: what the coordinator and the loader hold at most.
 *
 *     npm run bench -- inference [--size 512] [--classes 10] [--roi 96,128] [--workers 1,2] [--output DIR]
 *
 * `stitching`: windows of a predictor that costs next to nothing are cut from an image in memory (float32) and put together,
 * all in one process. `lamp predict`: an int16 NIfTI file through a small untrained network (n_feat 4, depth 2). Peaks are the
 * operating system's (VmHWM) of each process by itself; the workers hold the network and are not counted.
 */

const { values: options } = parseArgs({
  options: {
    size: { type: 'string', default: '512' },
    classes: { type: 'string', default: '10' },
    roi: { type: 'string', default: '96,128' },
    workers: { type: 'string', default: '1,2' },
    output: { type: 'string' },
    /** What a process of its own does. */
    part: { type: 'string' },
    folder: { type: 'string' },
  },
});

const length = Number(options.size);
const classes = Number(options.classes);
const size = [length, length, length] as const;
const affine: Affine = [
  [0.8, 0, 0, 0],
  [0, 0.8, 0, 0],
  [0, 0, 0.8, 0],
  [0, 0, 0, 1],
];
const model = modelSchema.parse({ name: 'unetpipe', out_channels: classes, n_feat: 4, depth: 2 });
const network = { divisor: 8, spatialDims: 3 } as const;
const overlap = 0.25;

interface Row {
  readonly what: string;
  readonly roi: number;
  readonly windows: number;
  readonly seconds: number;
  /** Bytes. */
  readonly coordinator: number;
  readonly loader: number;
}

/** The run's folder and the image, plane by plane: nothing here is measured. */
async function prepare(folder: string): Promise<void> {
  const names = Array.from({ length: classes }, (_, c) => `class${c}`);
  const data = { classes: names, train: [{ image: 'image.nii', label: 'image.nii' }] };
  const run = { name: 'inference', model, data, training: { epochs: 1, batch_size: 1 }, engine: { threads: 1 } };
  writeFileSync(join(folder, 'run.yaml'), stringify({ ...run, optimizer: { name: 'adam', lr: 0.001 } }));
  const handle = await open(join(folder, 'image.nii'), 'w');
  await handle.write(encodeNiftiHeader({ size, channels: 1, affine }, 'int16'));
  const plane = new Int16Array(length * length);
  for (let z = 0; z < length; z++) {
    for (let i = 0; i < plane.length; i++) plane[i] = ((i * 7 + z * 13) % 1024) + 1;
    await handle.write(new Uint8Array(plane.buffer));
  }
  await handle.close();
  const engine = await startEngine({ name: 'tensorflow', threads: 1 });
  const parameters = new ParameterStore(engine);
  initializeParameters(engine, parameters, parameterSpecs(buildModel(model).cells), 0);
  await writeSafetensors(join(folder, 'weights.safetensors'), dumpParameters(engine, parameters));
}

/** In this process alone: image, windows, stitching, labels. */
function stitch(roi: number): Row {
  const values = new Float32Array(length ** 3).map((_, i) => (i % 1024) / 1024);
  const image = { size, channels: 1, values, affine };
  const spec = inferenceSchema.parse({ mode: 'sliding', roi: [roi, roi, roi], overlap, blend: 'gaussian' });
  const begin = performance.now();
  const { windows, importance } = windowsFor(size, spec, network);
  const stitcher = new Stitcher(windows, classes, importance);
  const labels = new Uint8Array(length ** 3);
  const output = new Float32Array(roi ** 3 * classes);
  for (const start of windows.starts) {
    const window = cutWindow(image, start, windows.roi, { mode: 'constant', value: 0 });
    for (let i = 0; i < window.length; i++) output[i * classes + (i % classes)] = window[i]!;
    for (const plane of stitcher.add(output))
      mostLikely(plane.values, classes, labels.subarray(plane.z * length ** 2, (plane.z + 1) * length ** 2));
  }
  const seconds = (performance.now() - begin) / 1000;
  const coordinator = peakOf(process.pid);
  return { what: 'stitching', roi, windows: windows.starts.length, seconds, coordinator, loader: 0 };
}

/** As the command does it, with this process as the coordinator; the loader is asked for its peak until it is gone. */
async function predictImage(folder: string, roi: number, workers: number): Promise<Row> {
  let [loader, windows] = [0, 0];
  const watch = setInterval(() => {
    for (const pid of childrenOf(process.pid))
      if (commandOf(pid).includes('loader')) loader = Math.max(loader, peakOf(pid));
  }, 100);
  const { seconds } = await predict({
    ...{ runDirectory: folder, input: join(folder, 'image.nii'), output: join(folder, 'labels.nii'), force: true },
    overrides: [
      ...[`pipeline.workers=${workers}`, 'inference.mode=sliding'],
      ...[`inference.roi=[${roi}, ${roi}, ${roi}]`, `inference.overlap=${overlap}`],
    ],
    signal: new AbortController().signal,
    report: (event) => {
      if (event.kind === 'windows') windows = event.all;
    },
  });
  clearInterval(watch);
  const coordinator = peakOf(process.pid);
  return { what: `lamp predict, ${workers} × 1 core`, roi, windows, seconds, coordinator, loader };
}

/** Most memory that a process ever held, in bytes; 0 where it is gone. */
function peakOf(pid: number): number {
  const kibibytes = /VmHWM:\s+(\d+)/.exec(statusOf(pid))?.[1];
  return kibibytes === undefined ? 0 : 1024 * Number(kibibytes);
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

const childrenOf = (parent: number): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && Number(/PPid:\s+(\d+)/.exec(statusOf(pid))?.[1]) === parent);

/** This file in a process of its own, so that one part's memory is not another's. */
async function part(words: readonly string[]): Promise<Row | undefined> {
  const sizes = ['--size', options.size, '--classes', options.classes];
  const child = fork(fileURLToPath(import.meta.url), [...words, ...sizes]);
  let row: Row | undefined;
  child.on('message', (message) => (row = message as Row));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}`);
  return row;
}

async function main(): Promise<void> {
  const machine = thisMachine();
  const folder = mkdtempSync(join(tmpdir(), 'lamp-inference-'));
  const rows: Row[] = [];
  const add = (row: Row): void => {
    rows.push(row);
    process.stderr.write(`${describe(row).join('  ')}\n`);
  };
  try {
    const rois = options.roi.split(',').map(Number);
    for (const roi of rois) add((await part(['--part', 'stitch', '--roi', String(roi)]))!);
    await part(['--part', 'prepare', '--folder', folder]);
    const flags = ['--part', 'predict', '--folder', folder, '--roi', String(rois.at(-1))];
    for (const workers of options.workers.split(',')) add((await part([...flags, '--workers', workers]))!);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  write(describeAll(rows, describeMachine(machine)));
}

const gibibytes = (bytes: number): string => (bytes === 0 ? '–' : (bytes / 2 ** 30).toFixed(2));

const describe = ({ what, roi, windows, seconds, coordinator, loader }: Row): string[] => [
  ...[what, `${roi}³`, String(windows), `${seconds.toFixed(0)} s`],
  ...[gibibytes(coordinator), gibibytes(loader)],
];

function describeAll(rows: readonly Row[], machine: string): string {
  const titles = ['windows', 'number', 'time', 'coordinator GiB', 'loader GiB'];
  const columns = [{ title: 'what' }, ...titles.map((title) => ({ title, align: 'right' as const }))];
  return [
    '# Sliding windows over a large image',
    '',
    `${length}³ voxels, ${classes} classes, overlap ${overlap}. Peak memory of each process but the workers, which hold the network.`,
    `One buffer for all classes would be ${gibibytes(4 * classes * length ** 3)} GiB.`,
    '',
    '```',
    formatTable(columns, rows.map(describe)),
    '```',
    '',
    '`stitching`: a predictor that costs next to nothing, Gaussian blending, the float32 image in the same process.',
    '`lamp predict`: an int16 file, constant blending, unetpipe with n_feat 4 and depth 2.',
    'Peaks are what this is for: times grow with what else the machine does.',
    '',
    `${new Date().toISOString().slice(0, 10)}, ${machine}`,
    '',
  ].join('\n');
}

function write(text: string): void {
  process.stdout.write(text);
  if (options.output === undefined) return;
  mkdirSync(options.output, { recursive: true });
  writeFileSync(join(options.output, 'inference.md'), text);
}

if (options.part === 'prepare') await prepare(options.folder!);
else if (options.part === 'stitch') process.send!(stitch(Number(options.roi)));
else if (options.part === 'predict')
  process.send!(await predictImage(options.folder!, Number(options.roi), Number(options.workers)));
else await main();
