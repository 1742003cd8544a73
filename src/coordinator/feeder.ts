import { LOADER, workerName } from '../transport/names.ts';
import type { ReplyTo, Source } from '../transport/protocol.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { StepRequest } from './pipeline.ts';
import type { PipelineOptions } from './pipelineOptions.ts';
import type { Scheduler } from './scheduler.ts';

/** Asks the loader for mini-batches, each once, and for what is to be made ahead. */
export class Feeder {
  readonly #fleet: Fleet;
  readonly #scheduler: Scheduler;
  readonly #note: PipelineOptions['note'];
  readonly #feeds = new Map<number, Promise<unknown>>();
  readonly #skipped = new Set<string>();

  constructor(fleet: Fleet, scheduler: Scheduler, note: PipelineOptions['note']) {
    this.#fleet = fleet;
    this.#scheduler = scheduler;
    this.#note = note;
  }

  /** Files of training cases that the loader found to be of no use, and goes on without. */
  get skipped(): readonly string[] {
    return [...this.#skipped];
  }

  /** Has the loader make and send a step's mini-batch, once. */
  feed(
    { step, source, microBatches }: StepRequest,
    purpose: 'train' | 'evaluate',
    ahead: readonly Source[] = [],
  ): Promise<unknown> {
    const asked = this.#feeds.get(step);
    if (asked) return asked;
    const { placement } = this.#scheduler.schedule(purpose, microBatches.length).schedule;
    const stage = placement.length - 1;
    const feed = this.#fleet.request(LOADER, 'feed', {
      step,
      source,
      microBatches: [...microBatches],
      ...(ahead.length > 0 ? { ahead: [...ahead] } : {}),
      imagesTo: workerName(placement[0]!),
      ...(purpose === 'train' ? { labelsTo: { peer: workerName(placement[stage]!), stage } } : {}),
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
      if (!this.#skipped.has(file)) this.#note?.(`skipped from here on, as data.unreadable says: ${problem}`);
      this.#skipped.add(file);
    }
  }
}
