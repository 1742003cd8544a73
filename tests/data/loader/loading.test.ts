import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dataSchema } from '../../../src/config/schema/data.ts';
import { modelSchema } from '../../../src/config/schema/model.ts';
import type { LoaderConfiguration } from '../../../src/data/loader/configuration.ts';
import type { Batch, Feed } from '../../../src/data/loader/feed.ts';
import { openFeed } from '../../../src/data/loader/openFeed.ts';
import type { Source } from '../../../src/transport/protocol.ts';
import { smallRun, writeCase } from '../../support/dataset.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const folder = temporaryFolder();
const model = modelSchema.parse(smallRun().model);
const names = ['one', 'two', 'three'];

beforeAll(async () => {
  await writeCase(folder, 'one');
  await writeCase(folder, 'two', [20, 18, 12]);
  await writeCase(folder, 'three', [24, 16, 16]);
});

const entryOf = (name: string) => ({ image: `${name}.nii.gz`, label: `${name}-label.nii.gz` });

const datasetOf = (change: Record<string, unknown> = {}): LoaderConfiguration => ({
  kind: 'dataset',
  data: dataSchema.parse({
    ...smallRun().data,
    train: names.map(entryOf),
    augment: { rotate: 10, elastic: 2, noise: 0.05, intensity: 0.1 },
    ...change,
  }),
  model,
  seed: 3,
  baseDirectory: folder,
});

const open: Feed[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((feed) => feed.close()));
});

async function feedOf(change: Record<string, unknown>, threads: number): Promise<Feed> {
  const feed = await openFeed(datasetOf(change), threads);
  open.push(feed);
  return feed;
}

const training = (epoch: number, ...samples: number[]): Source => ({ kind: 'training', epoch, samples });
const sources: readonly Source[] = [
  training(0, 0, 1, 2, 3),
  training(0, 4, 5),
  { kind: 'validation', case: 0 },
  training(1, 0, 1, 2, 3),
];

/** Numbers alone: arrays that came from another thread are of other classes to `toEqual`. */
const numbersOf = (batch: Batch) =>
  batch.map(({ shape, image, labels, annotated, file }) => ({
    ...{ shape, annotated, file },
    image: Buffer.from(image.buffer, image.byteOffset, image.byteLength).toString('base64'),
    labels: labels && Buffer.from(labels).toString('base64'),
  }));

describe('samples', () => {
  const caches = ['none', 'memory', 'disk'].map((kind) => ({ kind, directory: 'cache' }));

  it.each([1, 2, 3])('are the same numbers from %i threads and from every cache', async (threads) => {
    const plain = await feedOf({ cache: { kind: 'none' } }, 0);
    const expected = [];
    for (const source of sources) expected.push(numbersOf(await plain.batch(source)));
    for (const cache of caches) {
      const feed = await feedOf({ cache }, threads);
      // All at once, the last one first: what is made when must change nothing.
      const made = await Promise.all(sources.toReversed().map((source) => feed.batch(source)));
      expect(made.toReversed().map(numbersOf)).toEqual(expected);
      // And again from what is kept.
      expect(numbersOf(await feed.batch(sources[0]!))).toEqual(expected[0]);
    }
  });
});

describe('the cache', () => {
  it.each(['memory', 'disk'])('in %s reads a file anew that has changed', async (kind) => {
    const change = {
      train: [entryOf('changing')],
      patch_size: 'whole',
      augment: {},
      cache: { kind, directory: 'changing' },
    };
    await writeCase(folder, 'changing', [16, 16, 12]);
    const feed = await feedOf(change, 1);
    const before = await feed.batch(training(0, 0));
    expect(before[0]!.shape).toEqual([12, 16, 16, 1]);
    await writeCase(folder, 'changing', [20, 16, 12]);
    expect((await feed.batch(training(0, 0)))[0]!.shape).toEqual([12, 16, 20, 1]);
  });

  it('on disk makes a damaged file anew', async () => {
    const change = { train: [entryOf('one')], cache: { kind: 'disk', directory: 'damaged' } };
    const ask = async () => numbersOf(await (await feedOf(change, 1)).batch(training(0, 0)));
    const whole = await ask();
    const [name] = readdirSync(join(folder, 'damaged'));
    const file = join(folder, 'damaged', name!);
    const bytes = readFileSync(file);
    for (const damage of [
      (b: Buffer) => b.subarray(0, b.length / 2),
      (b: Buffer) => Buffer.concat([b]).fill(7, b.length - 40),
    ]) {
      writeFileSync(file, damage(bytes));
      expect(await ask()).toEqual(whole);
      expect(readFileSync(file).equals(bytes)).toBe(true);
    }
  });

  it('on disk takes what another run made, without reading the image', async () => {
    await writeCase(folder, 'kept');
    const image = join(folder, 'kept.nii.gz');
    const change = { train: [entryOf('kept')], cache: { kind: 'disk', directory: 'kept' } };
    const ask = async () => numbersOf(await (await feedOf(change, 1)).batch(training(0, 0)));
    utimesSync(image, 1000, 1000);
    const first = await ask();
    // Nothing tells these bytes from the image but reading them.
    writeFileSync(image, Buffer.alloc(readFileSync(image).length));
    utimesSync(image, 1000, 1000);
    expect(await ask()).toEqual(first);
  });

  it('on disk is refused where its folder cannot be made', async () => {
    writeFileSync(join(folder, 'a file'), '');
    await expect(openFeed(datasetOf({ cache: { kind: 'disk', directory: 'a file/cache' } }))).rejects.toThrow(
      'data.cache.directory',
    );
  });
});

describe('a case that cannot be used', () => {
  const bad = { image: 'bad.nii.gz', label: 'one-label.nii.gz' };
  beforeAll(() => writeFileSync(join(folder, 'bad.nii.gz'), 'nothing of the kind'));

  it('stops the run, and the error names the file', async () => {
    const feed = await feedOf({ train: [bad, entryOf('one')] }, 2);
    await expect(feed.batch(training(0, 0, 1))).rejects.toMatchObject({
      name: 'LoadError',
      file: join(folder, 'bad.nii.gz'),
      bad: true,
      message: expect.stringContaining(join(folder, 'bad.nii.gz')) as string,
    });
  });

  it('is replaced by another where the run file says so: the same for whoever asks, in any order', async () => {
    const train = [bad, ...names.map(entryOf)];
    const asked = [0, 1, 2, 3].map((epoch) => training(epoch, 0, 1, 2, 3));
    const made = async (threads: number, order: <T>(list: readonly T[]) => T[]) => {
      const feed = await feedOf({ train, unreadable: 'skip' }, threads);
      const batches = await Promise.all(order(asked).map((source) => feed.batch(source)));
      expect(feed.skipped).toEqual([
        { file: join(folder, 'bad.nii.gz'), problem: expect.stringContaining('bad.nii.gz') as string },
      ]);
      return order(batches).map(numbersOf);
    };
    const forward = await made(1, (list) => [...list]);
    expect(await made(3, (list) => list.toReversed())).toEqual(forward);
    // Not always the same one stands in: each sample draws its own.
    const files = forward.flat().map(({ file }) => file);
    expect(new Set(files).size).toBe(3);
  });

  it('stops the run where all are like that', async () => {
    const feed = await feedOf({ train: [bad, { ...bad, name: 'again' }], unreadable: 'skip' }, 1);
    await expect(feed.batch(training(0, 0))).rejects.toThrow(/none of the 2 training cases can be used.*bad\.nii\.gz/);
  });

  it('stops the run where it is a validation case', async () => {
    const feed = await feedOf({ validation: [bad], unreadable: 'skip' }, 1);
    await expect(feed.batch({ kind: 'validation', case: 0 })).rejects.toThrow('bad.nii.gz');
  });
});
