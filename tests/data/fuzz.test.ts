import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { DataError } from '../../src/data/dataError.ts';
import { loadCase } from '../../src/data/dataset.ts';
import { NiftiError } from '../../src/data/nifti/niftiError.ts';
import { NpyError } from '../../src/data/npy/npyError.ts';
import { readVolume, readVolumeHeader } from '../../src/data/readVolume.ts';
import type { Volume } from '../../src/data/volume.ts';
import { RandomStream } from '../../src/random/stream.ts';
import { naiveVolume } from '../support/naiveVolume.ts';
import { niftiFile } from '../support/niftiFile.ts';
import { npyFile } from '../support/npyFile.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { usualTransforms } from '../support/transforms.ts';

const folder = temporaryFolder();

/** `LAMP_RUNS=20000 npx vitest run tests/data/fuzz.test.ts` is the long form; `LAMP_SEED` draws other files. */
const runs = Number(process.env['LAMP_RUNS'] ?? 300);
const seed = Number(process.env['LAMP_SEED'] ?? 20201004);

/** What the smallest of the lies would take, many times what all of the files hold together. */
const MOST_BYTES = 256 * 2 ** 20;

const numbers = Array.from({ length: 24 }, (_, i) => i % 3);

/** 4 × 3 × 2 voxels with labels 0 to 2, in the forms that are read. */
const forms: readonly { readonly ending: string; readonly bytes: Buffer; readonly packed?: boolean }[] = [
  { ending: 'nii', bytes: niftiFile({ dim: [4, 3, 2], values: numbers }) },
  {
    ending: 'nii',
    bytes: niftiFile({ dim: [4, 3, 2], type: 'int16', slope: 0.5, intercept: 1, values: numbers, bigEndian: true }),
  },
  { ending: 'nii', bytes: niftiFile({ dim: [4, 3, 2], type: 'float32', version: 2, values: numbers }) },
  { ending: 'nii.gz', bytes: niftiFile({ dim: [4, 3, 2], type: 'int64', values: numbers }), packed: true },
  { ending: 'nii.gz', bytes: niftiFile({ dim: [4, 3, 2], type: 'float64', values: numbers }), packed: true },
  { ending: 'npy', bytes: npyFile({ descr: '|u1', shape: [2, 3, 4], values: numbers }) },
  { ending: 'npy', bytes: npyFile({ descr: '<f4', shape: [2, 3, 4], values: numbers }) },
  { ending: 'npy', bytes: npyFile({ descr: '>i8', shape: [2, 3, 4], values: numbers, version: 2 }) },
  {
    ending: 'npy',
    bytes: npyFile({ descr: '<f8', shape: [2, 3, 4], values: numbers, fortranOrder: true, version: 3 }),
  },
  {
    ending: 'npy',
    bytes: npyFile({ descr: '<f2', shape: [2, 3, 4], values: numbers.map((n) => [0, 0x3c00, 0x4000][n]!) }),
  },
];

const NUMBERS = [0, 1, -1, 2, 127, 255, 32767, -32768, 65535, 2 ** 31 - 1, 2 ** 53, NaN, Infinity, -1e30, 1e-30];
const SHAPES = [
  '(0, 1, 1)',
  '(99999, 99999, 2)',
  '(4294967296, 1, 1)',
  '(1e3, 2, 2)',
  '(24,)',
  '()',
  '(2, 3, 4, 1)',
  '(-2, 3, 4)',
  '(40000, 40000)',
];
const TYPES = ["'<f8'", "'>f4'", "'|O'", "'<c16'", "'<U9'", "'|b1'", "'<i8'", "'<u2'", "[('a', '<f4')]", "''"];

type Change = (bytes: Buffer, draw: RandomStream) => Buffer;

const pick = <T>(draw: RandomStream, list: readonly T[]): T => list[draw.integer(list.length)]!;

const changes: Readonly<Record<string, Change>> = {
  'bits flipped': (bytes, draw) => {
    const changed = Buffer.from(bytes);
    for (let n = 1 + draw.integer(6); n > 0; n--) changed[draw.integer(changed.length)]! ^= 1 << draw.integer(8);
    return changed;
  },
  'header overwritten': (bytes, draw) => {
    const changed = Buffer.from(bytes);
    const view = new DataView(changed.buffer, changed.byteOffset, changed.length);
    const value = pick(draw, NUMBERS);
    const at = 2 * draw.integer(Math.min(changed.length - 8, 520) >> 1);
    const set = [
      () => view.setInt16(at, value, true),
      () => view.setInt32(at, value, true),
      () => view.setFloat32(at, value, true),
      () => view.setFloat64(at, value, true),
    ];
    pick(draw, set)();
    return changed;
  },
  'sizes and types that lie': (bytes, draw) => {
    if (bytes[0] === 0x93) {
      const text = bytes.toString('latin1');
      const lie = draw.next() < 0.6;
      const said = lie
        ? text.replace(/\([\d, ]*\)/, pick(draw, SHAPES))
        : text.replace(/'[<>|]\w+'/, pick(draw, TYPES));
      return Buffer.from(said, 'latin1');
    }
    const changed = Buffer.from(bytes);
    const view = new DataView(changed.buffer, changed.byteOffset, changed.length);
    const little = changed[0] !== 0;
    const one = view.getInt32(0, little) === 348;
    const value = pick(draw, NUMBERS);
    const axis = draw.integer(8);
    const lies = one
      ? [
          () => view.setInt16(40 + 2 * axis, value, little),
          () => view.setInt16(70, pick(draw, [1, 2, 4, 8, 32, 64, 128, 512, 1280, 1536]), little),
          () => view.setFloat32(108, value, little),
          () => view.setFloat32(112 + 4 * draw.integer(2), value, little),
        ]
      : [
          () => view.setBigInt64(16 + 8 * axis, BigInt(Number.isFinite(value) ? Math.trunc(value) : 7), little),
          () => view.setInt16(12, pick(draw, [1, 2, 4, 8, 32, 64, 128, 512, 1280, 1536]), little),
          () => view.setBigInt64(168, BigInt(Number.isFinite(value) ? Math.trunc(value) : 7), little),
          () => view.setFloat64(176 + 8 * draw.integer(2), value, little),
        ];
    pick(draw, lies)();
    return changed;
  },
  'cut short': (bytes, draw) => bytes.subarray(0, draw.integer(bytes.length)),
  grown: (bytes, draw) => Buffer.concat([bytes, Buffer.alloc(1 + draw.integer(64), draw.integer(256))]),
};

/** A damaged file: before it is packed or after, so that faults lie in the header and in the gzip stream. */
function damaged(number: number): { bytes: Buffer; ending: string; how: string } {
  const draw = new RandomStream(seed, 'fuzz', number);
  const form = pick(draw, forms);
  const outside = form.packed === true && draw.next() < 0.5;
  const [how, change] = pick(
    draw,
    // What is packed has no sizes to be seen.
    Object.entries(changes).filter(([name]) => !outside || name !== 'sizes and types that lie'),
  );
  if (!form.packed) return { bytes: change(form.bytes, draw), ending: form.ending, how };
  const bytes = outside ? change(gzipSync(form.bytes), draw) : gzipSync(change(form.bytes, draw));
  return { bytes, ending: form.ending, how: `${how}, ${outside ? 'packed' : 'unpacked'}` };
}

const good = join(folder, 'good.nii');
writeFileSync(good, forms[0]!.bytes);

const outcome = async <T>(read: Promise<T>): Promise<T | Error> => read.catch((error: unknown) => error as Error);

/** An error of ours that names the file. */
function checkError(error: Error, file: string): void {
  const typed = error instanceof NiftiError || error instanceof NpyError || error instanceof DataError;
  if (!typed) throw error;
  expect(error.message).toContain(file);
  expect(error.remedy).not.toBe('');
}

function checkVolume({ size, channels, values, affine }: Volume, bytes: Buffer): void {
  expect(size.every((length) => length >= 1)).toBe(true);
  expect(values.length).toBe(size[0] * size[1] * size[2] * channels);
  expect(affine.flat().every(Number.isFinite)).toBe(true);
  const naive = naiveVolume(bytes);
  if (!naive) return;
  expect({ size: [...size], channels }).toEqual({ size: naive.size, channels: naive.channels });
  for (const [i, value] of naive.values.entries()) {
    // A value is held as what its type and scale need, 32-bit floats or wider.
    if (!Object.is(values[i], value) && values[i] !== Math.fround(value)) expect(values[i]).toBe(value);
  }
}

test(
  `of ${runs} damaged files each is read right or refused by name, within memory that follows the files and not what they say`,
  async () => {
    const before = process.resourceUsage().maxRSS * 1024;
    let refused = 0;
    for (let number = 0; number < runs; number++) {
      const { bytes, ending, how } = damaged(number);
      const file = join(folder, `damaged.${ending}`);
      writeFileSync(file, bytes);
      try {
        const header = await outcome(readVolumeHeader(file));
        const read = await outcome(readVolume(file));
        if (read instanceof Error) {
          refused += 1;
          checkError(read, file);
        } else {
          checkVolume(read.volume, bytes);
          const { values: _, ...grid } = read.volume;
          expect(header).toEqual(grid);
        }
        const asImage = { name: 'case', images: [file], label: good };
        const asLabel = { name: 'case', images: [good], label: file };
        for (const files of [asImage, asLabel]) {
          const options = { classes: ['none', 'one', 'two'], channels: 1, transforms: usualTransforms };
          const loaded = await outcome(loadCase(files, options));
          if (loaded instanceof Error) checkError(loaded, file);
          else expect(loaded.image.values.every(Number.isFinite)).toBe(true);
        }
      } catch (error) {
        throw new Error(`LAMP_SEED=${seed}, file ${number} (${ending}, ${how}): ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
    // Else the damage would be none, or nothing but damage.
    expect(refused).toBeGreaterThan(runs / 4);
    expect(refused).toBeLessThan(runs);
    expect(process.resourceUsage().maxRSS * 1024 - before).toBeLessThan(MOST_BYTES);
  },
  Math.max(60_000, 100 * runs),
);
