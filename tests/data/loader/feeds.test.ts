import { usualTransforms } from '../../support/transforms.ts';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { dataSchema } from '../../../src/config/schema/data.ts';
import { modelSchema } from '../../../src/config/schema/model.ts';
import { parseLoaderConfiguration, type LoaderConfiguration } from '../../../src/data/loader/configuration.ts';
import type { Feed } from '../../../src/data/loader/feed.ts';
import { openFeed } from '../../../src/data/loader/openFeed.ts';
import { smallRun, writeCase } from '../../support/dataset.ts';
import { writeReplay } from '../../support/replay.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const folder = temporaryFolder();
const model = modelSchema.parse(smallRun().model);

beforeAll(async () => {
  await writeCase(folder, 'one');
  await writeCase(folder, 'large', [26, 20, 14]);
});

const datasetOf = (change: Record<string, unknown> = {}): LoaderConfiguration => ({
  kind: 'dataset',
  data: dataSchema.parse({ ...smallRun().data, ...change }),
  model,
  seed: 3,
  baseDirectory: folder,
});

describe('the feed of a data set', () => {
  it('gives the same mini-batch to whoever asks for it, and others for others', async () => {
    const [feed, other] = [await openFeed(datasetOf()), await openFeed(datasetOf())];
    const ask = (from: Feed, epoch: number, samples: number[]) => from.batch({ kind: 'training', epoch, samples });
    const batch = await ask(feed, 1, [2, 5]);
    expect(batch.map(({ shape }) => shape)).toEqual([
      [12, 16, 16, 1],
      [12, 16, 16, 1],
    ]);
    for (const { labels, annotated } of batch) {
      expect(labels).toHaveLength(12 * 16 * 16);
      expect(annotated).toEqual([true, true, true]);
    }
    await ask(other, 0, [0]);
    expect(await ask(other, 1, [2, 5])).toEqual(batch);
    expect((await ask(other, 2, [2, 5]))[0]!.image).not.toEqual(batch[0]!.image);
  });

  it('gives validation images whole, padded to what the network can halve', async () => {
    const feed = await openFeed(datasetOf());
    const [sample] = await feed.batch({ kind: 'validation', case: 0 });
    expect(sample!.shape).toEqual([16, 20, 20, 1]);
    expect(sample!.labels).toBeUndefined();
  });

  it('gives whole images in sizes of their own, each with the name of its file', async () => {
    const train = ['one', 'large'].map((name) => ({ image: `${name}.nii.gz`, label: `${name}-label.nii.gz` }));
    const feed = await openFeed(datasetOf({ train, patch_size: 'whole' }));
    const batch = await feed.batch({ kind: 'training', epoch: 0, samples: [0, 1] });
    const sizes = Object.fromEntries(batch.map(({ file, shape }) => [basename(file!), shape]));
    expect(sizes).toEqual({ 'one.nii.gz': [16, 20, 20, 1], 'large.nii.gz': [16, 20, 28, 1] });
  });

  it('gives the slices of a validation volume as samples that share its memory', async () => {
    const flat = modelSchema.parse({ ...smallRun().model, spatial_dims: 2 });
    const feed = await openFeed({ ...datasetOf({ patch_size: [16, 16] }), model: flat } as LoaderConfiguration);
    const slices = await feed.batch({ kind: 'validation', case: 0 });
    expect(slices.map(({ shape }) => shape)).toEqual(Array.from({ length: 14 }, () => [20, 20, 1]));
    expect(new Set(slices.map(({ image }) => image.buffer)).size).toBe(1);
  });

  it('names the file that cannot be read, again where it is asked again', async () => {
    writeFileSync(join(folder, 'bad.nii.gz'), 'nothing of the kind');
    const feed = await openFeed(datasetOf({ train: [{ image: 'bad.nii.gz', label: 'one-label.nii.gz' }] }));
    for (const epoch of [0, 1])
      await expect(feed.batch({ kind: 'training', epoch, samples: [0] })).rejects.toThrow(join(folder, 'bad.nii.gz'));
  });

  it('has no reference case to replay', async () => {
    const feed = await openFeed(datasetOf());
    await expect(feed.batch({ kind: 'replay', step: 0 })).rejects.toThrow('a data set has no replay source');
  });
});

describe('the feed of a reference case', () => {
  it('gives one step, channels last', async () => {
    const spec = { steps: 2, batch: 2, channels: 3, classes: 2, size: [4, 5] };
    const feed = await openFeed({ kind: 'replay', file: await writeReplay(join(folder, 'r.safetensors'), spec) });
    const [first, second] = [
      await feed.batch({ kind: 'replay', step: 0 }),
      await feed.batch({ kind: 'replay', step: 1 }),
    ];
    for (const { shape, labels } of first) {
      expect(shape).toEqual([4, 5, 3]);
      expect(labels).toHaveLength(20);
    }
    expect(first).toHaveLength(2);
    expect(second[0]!.image).not.toEqual(first[0]!.image);
    await expect(feed.batch({ kind: 'replay', step: 2 })).rejects.toThrow('has 2 steps, and step 2 was asked for');
    await expect(feed.batch({ kind: 'validation', case: 0 })).rejects.toThrow('has no validation source');
    await feed.close();
  });

  it('channel c of voxel v is value v of plane c of the file', async () => {
    const spec = { batch: 1, channels: 2, size: [2, 2], seed: 5 };
    const file = await writeReplay(join(folder, 'planes.safetensors'), spec);
    const single = await writeReplay(join(folder, 'single.safetensors'), { ...spec, channels: 1, size: [4, 2] });
    const images = async (path: string): Promise<Float32Array> => {
      const feed = await openFeed({ kind: 'replay', file: path });
      const [sample] = await feed.batch({ kind: 'replay', step: 0 });
      await feed.close();
      return sample!.image;
    };
    const planes = await images(single);
    expect(await images(file)).toEqual(Float32Array.from([0, 4, 1, 5, 2, 6, 3, 7], (i) => planes[i]!));
  });
});

describe('the feed of image files', () => {
  it('gives any image whole, padded', async () => {
    const feed = await openFeed({ kind: 'images', model, transforms: usualTransforms });
    const [sample] = await feed.batch({ kind: 'image', files: [join(folder, 'large.nii.gz')] });
    expect(sample!.shape).toEqual([16, 20, 28, 1]);
    await expect(feed.batch({ kind: 'validation', case: 0 })).rejects.toThrow(
      'a list of images has no validation source',
    );
  });
});

describe('the configuration of a loader', () => {
  it('comes back from the environment as it was given', () => {
    expect(parseLoaderConfiguration(JSON.stringify(datasetOf()))).toEqual(datasetOf());
  });

  it('is refused where it is missing or of another kind', () => {
    expect(() => parseLoaderConfiguration(undefined)).toThrow('started by the coordinator');
    expect(() => parseLoaderConfiguration('{"kind": "everything"}')).toThrow('kind');
  });
});
