import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { dataSchema } from '../../src/config/schema/data.ts';
import { modelSchema } from '../../src/config/schema/model.ts';
import { RunFailure } from '../../src/coordinator/errors.ts';
import type { Pipeline } from '../../src/coordinator/pipeline.ts';
import type { TrainRequest } from '../../src/coordinator/stepRequest.ts';
import type { LoaderConfiguration } from '../../src/data/loader/configuration.ts';
import { smallRun, writeCase } from '../support/dataset.ts';
import { leftOf } from '../support/processes.ts';
import { launchReplay } from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
const model = modelSchema.parse(smallRun().model);
const entryOf = (name: string) => ({ image: `${name}.nii.gz`, label: `${name}-label.nii.gz` });
const bad = { image: 'bad.nii.gz', label: 'one-label.nii.gz' };

beforeAll(async () => {
  await writeCase(folder, 'one');
  await writeCase(folder, 'two', [26, 20, 14]);
  writeFileSync(join(folder, 'bad.nii.gz'), 'nothing of the kind');
});

/** Whole images of two sizes, bent and noisy. */
const loaderOf = (change: Record<string, unknown>): LoaderConfiguration => ({
  kind: 'dataset',
  data: dataSchema.parse({
    ...smallRun().data,
    train: [entryOf('one'), entryOf('two')],
    patch_size: 'whole',
    augment: { rotate: 10, elastic: 1, noise: 0.05 },
    ...change,
  }),
  model,
  seed: 3,
  baseDirectory: folder,
});

const launch = (change: Record<string, unknown>, note?: (text: string) => void): Promise<Pipeline> =>
  launchReplay(
    { file: '', batch: 2, microBatches: 2, size: [16, 20, 28] },
    { model, loader: loaderOf(change), ...(note ? { note } : {}) },
  );

/** Step `n` of epochs of two. */
const request = (n: number): TrainRequest => {
  const epoch = Math.floor(n / 2);
  const samples = [0, 1].map((sample) => 2 * (n % 2) + sample);
  return {
    step: n,
    source: { kind: 'training', epoch, samples },
    microBatches: [1, 1],
    draws: samples.map((sample) => `${epoch} ${sample}`),
    norm: false,
  };
};

/** The losses of six steps, with a validation between, and the classes that it found. */
async function trained(pipeline: Pipeline, prefetch: number): Promise<unknown[]> {
  const found: unknown[] = [];
  for (let n = 0; n < 6; n++) {
    const ahead = Array.from({ length: prefetch }, (_, i) => request(n + 1 + i));
    const validate = n % 2 === 1;
    const { loss, loading } = await pipeline.train(request(n), validate ? undefined : ahead[0], ahead);
    await pipeline.apply(0.05);
    expect(loading).toBeGreaterThanOrEqual(0);
    found.push(loss);
    if (!validate) continue;
    const validation = { step: 100 + n, source: { kind: 'validation', case: 0 } as const, microBatches: [1] };
    const [output] = await pipeline.evaluate(validation, 'labels');
    found.push(Buffer.from(output!.values as Uint8Array).toString('base64'));
  }
  return found;
}

describe('a pipeline that is fed by a loader of its own', () => {
  it('trains on whole images of several sizes, with the same numbers however many threads make them and however far ahead', async () => {
    const runs: unknown[][] = [];
    for (const [loaders, prefetch, kind] of [
      [1, 0, 'none'],
      [3, 3, 'memory'],
      [2, 1, 'disk'],
    ] as const) {
      const pipeline = await launch({ loaders, cache: { kind, directory: 'cache' } });
      const { pids } = pipeline;
      runs.push(await trained(pipeline, prefetch));
      // What was made ahead of the last step is lost with the process.
      await pipeline.close();
      expect(await leftOf(pids)).toEqual([]);
    }
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });

  it('goes on without a case that cannot be read where the run file says so, and tells of it once', async () => {
    const notes: string[] = [];
    const change = { train: [bad, entryOf('one'), entryOf('two')], unreadable: 'skip', loaders: 2 };
    const pipeline = await launch(change, (text) => notes.push(text));
    await trained(pipeline, 2);
    expect(notes.filter((note) => note.includes('bad.nii.gz'))).toEqual([
      expect.stringMatching(/^skipped from here on, as data\.unreadable says: .*bad\.nii\.gz/),
    ]);
    expect(pipeline.skipped).toEqual([join(folder, 'bad.nii.gz')]);
    await pipeline.close();
  });

  it('ends with the file named where a case cannot be read, though it was only to come later', async () => {
    const pipeline = await launch({ train: [bad], loaders: 2 });
    const { pids } = pipeline;
    const failure = await pipeline.train(request(0), request(1)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RunFailure);
    expect((failure as RunFailure).message).toContain(join(folder, 'bad.nii.gz'));
    await pipeline.close();
    expect(await leftOf(pids)).toEqual([]);
  });
});
