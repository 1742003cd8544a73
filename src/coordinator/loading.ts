import { availableParallelism } from 'node:os';
import type { RunFile } from '../config/runFile.ts';
import { caseFiles } from '../data/caseFiles.ts';
import { caseHeader } from '../data/caseHeaders.ts';
import type { LoaderConfiguration } from '../data/loader/configuration.ts';
import { describeCache, halfOfFree } from '../data/loader/cache/openCache.ts';
import type { ReplyTo } from '../transport/protocol.ts';
import type { Device } from './devices.ts';

/** The same loader with a number of threads: where none is said, as many as there are cores that no worker computes on, and one at least. */
export function withThreads(
  loader: LoaderConfiguration,
  devices: readonly Pick<Device, 'gpu' | 'threads' | 'elsewhere'>[],
  cores = availableParallelism(),
): LoaderConfiguration {
  if (loader.kind !== 'dataset' || loader.data.loaders !== 'auto') return loader;
  const here = devices.filter(({ elsewhere }) => !elsewhere);
  // A worker whose GPU computes keeps one core busy.
  const taken = here.reduce((sum, { gpu, threads }) => sum + (gpu === undefined ? threads : 1), 0);
  return { ...loader, data: { ...loader.data, loaders: Math.max(1, cores - taken) } };
}

/** The bound of the cache in memory, and what will be kept in it, by the headers of the images: voxel lists come on top. */
export async function settleCache(
  { data, model }: RunFile,
  baseDirectory: string,
): Promise<{ readonly cache: RunFile['data']['cache']; readonly note: string | undefined }> {
  const cache = { ...data.cache, memory: data.cache.memory ?? halfOfFree() };
  if (cache.kind !== 'memory' || data.synthetic) return { cache, note: undefined };
  const bytes = new Map<string, number>();
  for (const entry of [...data.train, ...data.validation]) {
    const files = caseFiles(entry, baseDirectory);
    // What cannot be read is for others to tell.
    const grid = await caseHeader(files, { ...data, channels: model.in_channels }).catch(() => undefined);
    if (!grid) continue;
    const [x, y, z] = grid.size;
    bytes.set(JSON.stringify(files), x * y * z * (4 * model.in_channels + 1));
  }
  return { cache, note: describeCache(cache, [...bytes.values()]) };
}

/** For how long, in seconds, the first stage waited for images in a step: what the loader cost it. */
export function loadingSeconds(replies: readonly Pick<ReplyTo<'step'>, 'spans'>[]): number {
  const waits = replies.flatMap(({ spans }) =>
    spans.map(({ action, begin, waited }) => (action.startsWith('0F') ? waited - begin : 0)),
  );
  return waits.reduce((sum, wait) => sum + wait, 0) / 1000;
}
