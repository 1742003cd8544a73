import { LOADER, workerName } from '../transport/names.ts';
import type { ReplyTo, Source } from '../transport/protocol.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { StepRequest } from './stepRequest.ts';
import type { PipelineOptions } from './pipelineOptions.ts';
import { sharesOf } from './replicas.ts';

/** Whom it feeds. */
interface Fed {
  /** The worker of every stage, in each replica. */
  readonly placement: readonly number[];
  /** Of each replica. */
  readonly workers: number;
  readonly note: PipelineOptions['note'];
}

/** Asks the loader for mini-batches, each once, and for what is to be made ahead. */
export class Feeder {
  readonly #fleet: Fleet;
  readonly #fed: Fed;
  readonly #feeds = new Map<number, Promise<unknown>>();
  readonly #skipped = new Set<string>();

  constructor(fleet: Fleet, fed: Fed) {
    this.#fleet = fleet;
    this.#fed = fed;
  }

  /** Files of training cases that the loader found to be of no use, and goes on without. */
  get skipped(): readonly string[] {
    return [...this.#skipped];
  }

  /** Has the loader make and send a step's mini-batch, once: images to the first stage of every replica, labels to the last. */
  feed(
    { step, source, microBatches }: StepRequest,
    { labels, ahead, replicas }: { labels: boolean; ahead: readonly Source[]; replicas: number },
  ): Promise<unknown> {
    const asked = this.#feeds.get(step);
    if (asked) return asked;
    const { placement, workers } = this.#fed;
    const stage = placement.length - 1;
    const feed = this.#fleet.request(LOADER, 'feed', {
      step,
      source,
      ...(ahead.length > 0 ? { ahead: [...ahead] } : {}),
      to: sharesOf(microBatches, replicas).map((own, replica) => {
        const worker = (of: number): string => workerName(replica * workers + placement[of]!);
        return {
          microBatches: own,
          imagesTo: worker(0),
          ...(labels ? { labelsTo: { peer: worker(stage), stage } } : {}),
        };
      }),
    });
    // Asked for ahead: whoever takes the step hears of a failure.
    feed.then(({ skipped = [] }) => this.#skip(skipped)).catch(() => {});
    this.#feeds.set(step, feed);
    return feed;
  }

  /** The step has been taken. */
  forget(step: number): void {
    this.#feeds.delete(step);
  }

  #skip(found: NonNullable<ReplyTo<'feed'>['skipped']>): void {
    for (const { file, problem } of found) {
      if (!this.#skipped.has(file)) this.#fed.note?.(`skipped from here on, as data.unreadable says: ${problem}`);
      this.#skipped.add(file);
    }
  }
}
