import { closeLinks, bindInlets, connectOutlets, noLinks } from '../../transport/links.ts';
import { Peer } from '../../transport/peer.ts';
import type { RequestOf } from '../../transport/protocol.ts';
import type { Links } from '../../transport/links.ts';
import { parseLoaderConfiguration } from './configuration.ts';
import { openFeed } from './openFeed.ts';
import { sendBatch } from './send.ts';

// The loader at a glance: it makes mini-batches, and sends images to the first stage and labels to the last.
const peer = Peer.fromArguments();
const feed = openFeed(parseLoaderConfiguration(process.env['LAMP_LOADER']));
// A case that cannot be read is told where it is first asked for.
feed.catch(() => {});
let links: Links = noLinks();

await peer.serve(
  {
    bind: async (request) => {
      links = { ...links, inlets: await bindInlets(request) };
      return { endpoints: {} };
    },
    connect: async (request) => {
      links = { ...links, outlets: connectOutlets(request) };
      return {};
    },
    feed: async (request: RequestOf<'feed'>) => {
      const begin = performance.now();
      const batch = await (await feed).batch(request.source);
      const seconds = (performance.now() - begin) / 1000;
      await sendBatch(links, request, batch, peer.signal);
      return { seconds };
    },
  },
  () => closeLinks(links),
);
