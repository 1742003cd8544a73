import type { TransportCounters, Refusal } from '../transport/counters.ts';

/**
 * What processes have refused since they were last asked. Each counts from its start, and one that takes another's place from 0.
 */
export class Refusals {
  readonly #last = new Map<string, TransportCounters>();

  /** By reason, how many more a process has refused; undefined where none. */
  news(process: string, now: TransportCounters): TransportCounters | undefined {
    const before = this.#last.get(process) ?? {};
    this.#last.set(process, now);
    const more = (Object.entries(now) as [Refusal, number][]).flatMap(([reason, count]): [Refusal, number][] => {
      const counted = before[reason] ?? 0;
      const grown = count >= counted ? count - counted : count;
      return grown > 0 ? [[reason, grown]] : [];
    });
    return more.length > 0 ? Object.fromEntries(more) : undefined;
  }
}
