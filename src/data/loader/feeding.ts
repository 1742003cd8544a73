import type { Links } from '../../transport/links.ts';
import type { Peer } from '../../transport/peer.ts';
import type { ReplyTo, RequestOf } from '../../transport/protocol.ts';
import { Ahead } from './ahead.ts';
import type { Feed } from './feed.ts';
import { sendBatch } from './send.ts';

/** Answers requests for mini-batches: each is made when it is announced, and sent when all that were asked for before are. */
export class Feeding {
  readonly #feed: Feed;
  readonly #ahead: Ahead;
  #lastSent: Promise<void> = Promise.resolve();
  #toldSkipped = 0;

  constructor(feed: Feed) {
    this.#feed = feed;
    this.#ahead = new Ahead(feed);
  }

  async feed(
    request: RequestOf<'feed'>,
    links: Links,
    { signal, pulse }: Pick<Peer, 'signal' | 'pulse'>,
  ): Promise<Omit<ReplyTo<'feed'>, 'kind' | 'id'>> {
    const { batch, seconds } = this.#ahead.take(request.source, request.ahead);
    const before = this.#lastSent;
    const send = async (): Promise<void> => {
      const samples = await batch;
      await pulse.waiting(before.then(() => sendBatch(links, request, samples, signal)));
    };
    const sent = send();
    this.#lastSent = sent.catch(() => {});
    await sent;
    const skipped = (this.#feed.skipped ?? []).slice(this.#toldSkipped);
    this.#toldSkipped += skipped.length;
    return { seconds: await seconds, ...(skipped.length > 0 ? { skipped } : {}) };
  }
}
