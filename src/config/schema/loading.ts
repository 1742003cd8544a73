import { z } from 'zod';
import { byteSize } from './byteSize.ts';
import { count, positive } from './number.ts';

/*
 * How images come to the workers in time: keys of `data` that change no number of a run, `unreadable` apart.
 */

const cacheSchema = z.strictObject({
  kind: z
    .enum(['none', 'memory', 'disk'])
    .default('memory')
    .describe(
      'Where images are kept after the deterministic transforms: nowhere, in memory that all threads of the loader share, or on disk. ' +
        'A file that has changed is read anew.',
    ),
  memory: byteSize
    .optional()
    .describe(
      'Bytes that the cache in memory may hold, such as `16GB`; beyond, what was longest not used is dropped. Half of what is free at the start when absent.',
    ),
  directory: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Folder of the cache on disk, relative to the run file's folder; `cases` in LAMP's cache folder when absent.",
    ),
});

/** To be spread into the schema of `data`. */
export const loadingFields = {
  loaders: z
    .union([positive, z.literal('auto')])
    .default('auto')
    .describe(
      'Threads that read, transform and draw samples, each a whole one at a time; `auto`: as many as cores are left over by the workers, at least 1.',
    ),
  prefetch: count
    .default(2)
    .describe(
      'Mini-batches that are made ahead of the one that is trained on; the loader holds one more than this at most.',
    ),
  cache: cacheSchema.prefault({}),
  unreadable: z
    .enum(['stop', 'skip'])
    .default('stop')
    .describe(
      'Where a training case cannot be read or used: the run stops and names the file, or another case takes its place, the same ' +
        'whoever draws it, and the run says so.',
    ),
};
