import type { LoaderConfiguration } from './configuration.ts';
import { DatasetFeed } from './datasetFeed.ts';
import type { Feed } from './feed.ts';
import { ImagesFeed } from './imagesFeed.ts';
import { ReplayFeed } from './replayFeed.ts';
import { SyntheticFeed } from './syntheticFeed.ts';

/** Opens what the configuration names. The cases of a run file are read and drawn from by threads, with 0 by whoever asks. */
export async function openFeed(configuration: LoaderConfiguration, threads = 0): Promise<Feed> {
  switch (configuration.kind) {
    case 'replay':
      return ReplayFeed.open(configuration.file);
    case 'dataset':
      return new DatasetFeed(configuration, threads);
    case 'synthetic':
      return new SyntheticFeed(configuration);
    case 'images':
      return new ImagesFeed(configuration);
  }
}
