import { childLog } from '../../telemetry/log/childLog.ts';
import { closeLinks, bindInlets, connectOutlets, noLinks } from '../../transport/links.ts';
import { Peer } from '../../transport/peer.ts';
import type { Links } from '../../transport/links.ts';
import { parseLoaderConfiguration, threadsOf } from './configuration.ts';
import { Feeding } from './feeding.ts';
import { openFeed } from './openFeed.ts';

// The loader at a glance: it makes mini-batches, and sends images to the first stage and labels to the last.
const peer = await Peer.fromArguments(childLog);
const configuration = parseLoaderConfiguration(process.env['LAMP_LOADER']);
const feeding = openFeed(configuration, threadsOf(configuration)).then((feed) => new Feeding(feed));
// A case that cannot be read is told where it is first asked for.
feeding.catch(() => {});
let links: Links = noLinks();

await peer.serve({
  handlers: {
    bind: async (request) => {
      links = { ...links, inlets: await bindInlets(request, peer.station) };
      return { endpoints: {}, calls: {} };
    },
    connect: async (request) => {
      links = { ...links, outlets: connectOutlets(request, peer.station) };
      return {};
    },
    feed: async (request) => (await feeding).feed(request, links, peer),
  },
  // So that what is to come is made while what is there is being sent. Other feeds make one mini-batch after the other.
  atOnce: configuration.kind === 'dataset' ? ['feed'] : [],
  abandon: () => {
    closeLinks(links);
    links = noLinks();
  },
  dispose: () => closeLinks(links),
});
