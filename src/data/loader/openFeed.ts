import type { LoaderConfiguration } from './configuration.ts';
import type { Feed } from './feed.ts';
import { ReplayFeed } from './replayFeed.ts';

/** Opens what the configuration names. */
export async function openFeed(configuration: LoaderConfiguration): Promise<Feed> {
  switch (configuration.kind) {
    case 'replay':
      return ReplayFeed.open(configuration.file);
    case 'dataset':
    case 'images':
      throw new Error('not yet');
  }
}
