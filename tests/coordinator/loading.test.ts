import { describe, expect, it } from 'vitest';
import { dataSchema } from '../../src/config/schema/data.ts';
import { modelSchema } from '../../src/config/schema/model.ts';
import { loadingSeconds, withThreads } from '../../src/coordinator/loading.ts';
import type { LoaderConfiguration } from '../../src/data/loader/configuration.ts';
import { smallRun } from '../support/dataset.ts';

const loaderOf = (loaders: number | 'auto'): LoaderConfiguration => ({
  kind: 'dataset',
  data: dataSchema.parse({ ...smallRun().data, loaders }),
  model: modelSchema.parse(smallRun().model),
  seed: 0,
  baseDirectory: '/',
});

const threadsOf = (loader: LoaderConfiguration): unknown => loader.kind === 'dataset' && loader.data.loaders;

describe('the threads of the loader', () => {
  const onCores = { gpu: undefined, threads: 4 };
  const onGpu = { gpu: '0', threads: 8 };
  const elsewhere = { ...onCores, elsewhere: { id: '1', agent: 'a', host: 'far', memory: 1 } };

  it.each([
    ['the cores that no worker computes on', [onCores, onCores], 16, 8],
    ['all but one for each worker with a GPU', [onGpu, onGpu], 16, 14],
    ['all where the workers are on other hosts', [elsewhere, elsewhere], 16, 16],
    ['one at least', [onCores, onCores], 4, 1],
  ])('are %s', (_, devices, cores, expected) => {
    expect(threadsOf(withThreads(loaderOf('auto'), devices, cores))).toBe(expected);
  });

  it('are as many as the run file says', () => {
    expect(threadsOf(withThreads(loaderOf(3), [onCores], 64))).toBe(3);
  });
});

describe('what loading cost a step', () => {
  it('is the time for which the first stage waited for images, and nobody else for anything', () => {
    const span = (action: string, begin: number, waited: number) => ({ action, begin, waited, end: waited + 10 });
    const first = { spans: [span('0F0', 0, 250), span('0F1', 260, 760), span('0B0', 770, 5000)] };
    const last = { spans: [span('1F0', 0, 300), span('10F0', 300, 900)] };
    expect(loadingSeconds([first, last])).toBe(0.75);
  });
});
