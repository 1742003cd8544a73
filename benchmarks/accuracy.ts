import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseRunFile } from '../src/config/loadRunFile.ts';
import { predict } from '../src/coordinator/predict.ts';
import { train } from '../src/coordinator/train.ts';
import { readNifti } from '../src/data/nifti/read.ts';
import { diceScores, meanOf } from '../src/metrics/dice.ts';
import { median } from '../src/partition/spread.ts';
import { writeResolvedRun } from '../src/telemetry/runDirectory.ts';
import { formatTable } from '../src/telemetry/table.ts';
import { brain, phantoms, type Subject } from './support/accuracySubjects.ts';
import { describeMachine, thisMachine } from './support/machine.ts';

/*
 * Dice and inference time by model width and input size: LAMP's finding, on phantoms and on a real brain.
 *
 *     npm run bench -- accuracy [--widths 8,16] [--seen 100] [--seed 1] [--output FILE]
 *
 * Trained as LAMP trains: larger inputs after smaller ones, each phase from the weights of the one before. Every network sees as
 * many voxels in all (--seen, in millions), and as many of them in each phase but the last, which has the rest: `32³` is crops
 * alone, `whole image` a third each of small crops, larger crops and whole images. Then it segments whole images, in one piece
 * and by windows of the size that it was trained with last (a quarter of each seen twice, as is usual), each the median of the
 * images behind the first. All on one worker with all cores.
 */

const { values: options } = parseArgs({
  options: {
    widths: { type: 'string', default: '8,16' },
    seen: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    output: { type: 'string' },
  },
});

const widths = options.widths.split(',').map(Number);
/** Millions of voxels. */
const seen = Number(options.seen);
const signal = new AbortController().signal;

interface Outcome {
  readonly width: number;
  readonly input: string;
  readonly whole: Segmented;
  /** By windows of the size that it was trained with. */
  readonly windows: Segmented | undefined;
}

interface Segmented {
  readonly dice: number;
  readonly seconds: number;
}

type Input = Subject['inputs'][number];
const nameOf = (input: Input): string => (input === 'whole' ? 'whole image' : input.join(' × '));

/** One phase on one kind of input: about 64³ voxels a step; a whole image has what it has. */
function phaseOn(input: Input, subject: Subject, millions: number): object {
  const voxels = input === 'whole' ? subject.voxels : input.reduce((product, n) => product * n, 1);
  const batch = Math.max(1, Math.round(64 ** 3 / voxels));
  const steps = Math.max(1, Math.round((1e6 * millions) / (voxels * batch)));
  return { data: { patch_size: input, samples_per_epoch: batch * steps }, training: { batch_size: batch } };
}

/** Trains up to one kind of input; returns the run's folder. */
async function trained(subject: Subject, width: number, last: number, folder: string): Promise<string> {
  const part = seen / subject.inputs.length;
  const phases = subject.inputs
    .slice(0, last + 1)
    .map((input, i) => phaseOn(input, subject, i < last ? part : seen - last * part));
  const run = parseRunFile(
    JSON.stringify({
      name: 'accuracy',
      seed: Number(options.seed),
      model: { name: 'unetpipe', n_feat: width, depth: 3, norm: 'instance', out_channels: subject.classes.length },
      data: {
        ...subject.data,
        classes: subject.classes,
        augment: { rotate: 15, scale: 0.1, elastic: 2, noise: 0.05, intensity: 0.1 },
      },
      optimizer: { name: 'adam', lr: 0.002 },
      lr_schedule: { name: 'cosine', warmup_steps: 5 },
      training: { epochs: 1, batch_size: 1, best_per_structure: false },
      // Crops of a mini-batch go through together: under instance normalization that changes no number.
      pipeline: { workers: 1, micro_batches: 1, recompute: 'never' },
      phases,
    }),
    'accuracy',
  );
  const directory = join(folder, `${width} ${nameOf(subject.inputs[last]!)}`);
  mkdirSync(directory, { recursive: true });
  writeResolvedRun(directory, run, folder);
  await train({ run, directory, baseDirectory: folder, signal, report: () => {} });
  return directory;
}

/** Dice over the test images, and the seconds for one. */
async function segmented(
  subject: Subject,
  runDirectory: string,
  overrides: readonly string[],
  name: string,
): Promise<Segmented> {
  const folder = join(runDirectory, name);
  const tests = subject.tests(runDirectory, join(folder, 'images'));
  const times: number[] = [];
  const scores: number[] = [];
  const input = join(tests[0]!.image, '..');
  const result = await predict({
    runDirectory,
    overrides,
    input,
    output: join(folder, 'labels'),
    signal,
    report: () => {},
  });
  for (const [index, file] of result.files.entries()) {
    if (file.status !== 'done') throw new Error(`${file.input} was not segmented`);
    const { truth } = tests.find(({ image }) => basename(image) === basename(file.input))!;
    const [guess, labels] = await Promise.all(
      [file.output, truth].map(async (path) => (await readNifti(path)).volume.values),
    );
    scores.push(
      diceScores(Uint8Array.from(guess!), Uint8Array.from(labels!), { classes: subject.classes.length }).mean,
    );
    // The first starts the processes.
    if (index > 0) times.push(file.seconds);
  }
  return { dice: meanOf(scores).mean, seconds: median(times) };
}

async function outcomeOf(subject: Subject, width: number, last: number, folder: string): Promise<Outcome> {
  const input = subject.inputs[last]!;
  const directory = await trained(subject, width, last, folder);
  const whole = await segmented(subject, directory, ['inference.mode=whole'], 'whole');
  const windows =
    input === 'whole'
      ? undefined
      : await segmented(
          subject,
          directory,
          ['inference.mode=sliding', `inference.roi=[${input.join(', ')}]`],
          'windows',
        );
  return { width, input: nameOf(input), whole, windows };
}

const describe = (outcomes: readonly Outcome[]): string =>
  formatTable(
    [
      { title: 'n_feat', align: 'right' },
      { title: 'trained up to' },
      { title: 'Dice, whole', align: 'right' },
      { title: 's', align: 'right' },
      { title: 'Dice, windows', align: 'right' },
      { title: 's', align: 'right' },
      { title: 'windows / whole', align: 'right' },
    ],
    outcomes.map(({ width, input, whole, windows }) => [
      String(width),
      input,
      whole.dice.toFixed(3),
      whole.seconds.toFixed(2),
      ...(windows
        ? [windows.dice.toFixed(3), windows.seconds.toFixed(2), `${(windows.seconds / whole.seconds).toFixed(1)} times`]
        : ['', '', '']),
    ]),
  );

const lines: string[] = [
  describeMachine(thisMachine()),
  `every network has seen ${options.seen} million voxels in training; seed ${options.seed}`,
];
const scratch = mkdtempSync(join(tmpdir(), 'lamp-accuracy-'));
try {
  const examples = fileURLToPath(new URL('../../../examples/brain9', import.meta.url));
  for (const subject of [await phantoms(join(scratch, 'phantoms')), brain(examples)]) {
    const outcomes: Outcome[] = [];
    for (const width of widths)
      for (const [last, input] of subject.inputs.entries()) {
        process.stderr.write(`${subject.name}: n_feat ${width}, up to ${nameOf(input)}\n`);
        outcomes.push(await outcomeOf(subject, width, last, join(scratch, subject.name)));
      }
    lines.push('', subject.name, '', describe(outcomes));
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
const text = `${lines.join('\n')}\n`;
process.stdout.write(text);
if (options.output) writeFileSync(options.output, text);
