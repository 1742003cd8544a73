import { existsSync, readdirSync, statSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import type { WrittenPhantom } from '../data/phantom/writeDataset.ts';
import { formatCount, formatDuration } from '../telemetry/units.ts';
import type { CliContext } from './context.ts';
import { InputError } from './exit.ts';
import { interruptible } from './interrupt.ts';
import { parseCount } from './options.ts';

type Triple = readonly [number, number, number];

interface Flags {
  readonly output: string;
  readonly size: Triple;
  readonly spacing?: Triple;
  readonly cases: number;
  readonly test: number;
  readonly seed: number;
  readonly noise: number;
  readonly bias: number;
  readonly force?: true;
}

const example = `
Left and right are structures of their own, glands look as lymph nodes do, and the brain stem as the brain around it: a
network must see where it is. Images are in imagesTr and imagesTs, their labels in labelsTr and labelsTs.

Example:
  $ lamp phantom --output phantoms --size 96,96,96 --cases 20 --test 4
`;

/** `lamp phantom`: a data set to try things on where none is at hand. */
export function phantomCommand(context: CliContext): Command {
  return new Command('phantom')
    .description('draw a data set: heads with nine organs, in the layout of the Decathlon')
    .requiredOption('--output <dir>', 'folder to make, such as phantoms')
    .option('--size <x,y,z>', 'voxels along x, y, z; one number for all', parseSize, [64, 64, 64] as const)
    .option('--spacing <x,y,z>', 'mm a voxel; else cubes that just hold the head', parseSpacing)
    .option('--cases <N>', 'cases to train on', parseCount, 8)
    .option('--test <N>', 'cases to test on', parseWhole, 2)
    .option('--seed <S>', 'another seed, other heads', parseWhole, 0)
    .option('--noise <share>', 'deviation of the noise, brain being 1', parseNoise, 0.08)
    .option('--bias <share>', 'the bias field brightens and darkens by up to this share', parseBias, 0.3)
    .option('--force', 'write into a folder that holds something')
    .addHelpText('after', example)
    .action(async (flags: Flags) => {
      const { output: directory, force, ...rest } = flags;
      checkOutput(directory, force);
      const begin = performance.now();
      const { writePhantomDataset } = await import('../data/phantom/writeDataset.ts');
      await interruptible(context.err, (signal) =>
        writePhantomDataset({
          ...rest,
          directory,
          signal,
          report: (written) => void context.out.write(`${describeWritten(written)}\n`),
        }),
      );
      const seconds = (performance.now() - begin) / 1000;
      const { size, cases, test } = flags;
      context.out.write(
        `${formatCount(cases + test, 'head')} of ${size.join(' × ')} voxels in ${formatDuration(seconds)}: ${directory}\n`,
      );
    });
}

/** `phantom_003 (4 of 10)` */
function describeWritten({ name, count, of, missing }: WrittenPhantom): string {
  const lost = missing.length === 0 ? '' : `: too coarse for ${missing.join(', ')}`;
  return `${name} (${count} of ${of})${lost}`;
}

function checkOutput(directory: string, force: true | undefined): void {
  if (!existsSync(directory)) return;
  if (!statSync(directory).isDirectory())
    throw new InputError(`--output ${directory}: that is a file; give the name of a folder`);
  if (readdirSync(directory).length > 0 && !force)
    throw new InputError(`--output ${directory}: holds something already; give another, or --force to write into it`);
}

/** The head takes 8 voxels to be one; a file of NIfTI holds 32767 along an axis. */
const SIZES = { least: 8, most: 1024 } as const;

const parseSize = (text: string): Triple =>
  parseTriple(text, (n) => Number.isInteger(n) && n >= SIZES.least && n <= SIZES.most, 'whole numbers from 8 to 1024');

const parseSpacing = (text: string): Triple =>
  parseTriple(text, (n) => n >= 0.01 && n <= 100, 'millimetres from 0.01 to 100');

function parseTriple(text: string, fits: (n: number) => boolean, allowed: string): Triple {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [x = Number.NaN, y = x, z = x] = numbers;
  if ((numbers.length !== 1 && numbers.length !== 3) || ![x, y, z].every(fits))
    throw new InvalidArgumentError(`Give ${allowed}: three of them such as 64,64,64, or one for all.`);
  return [x, y, z];
}

function parseWhole(text: string): number {
  const n = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(n) || n < 0)
    throw new InvalidArgumentError('Give a whole number of at least 0.');
  return n;
}

const parseNoise = (text: string): number => parseShare(text, 10);
// A factor of 1 ± bias stays above 0.
const parseBias = (text: string): number => parseShare(text, 0.9);

function parseShare(text: string, most: number): number {
  const n = Number(text);
  if (text.trim() === '' || !(n >= 0 && n <= most)) throw new InvalidArgumentError(`Give a number from 0 to ${most}.`);
  return n;
}
