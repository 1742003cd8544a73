import type { Engine } from '../engine/engine.ts';
import type { RequestOf } from '../transport/protocol.ts';
import type { Mailbox } from './mailbox.ts';
import { touch } from './settle.ts';

/** Rounds that are run before those that are timed: the link is laid by then, and memory has been taken. */
const WARM_UP = 2;

export interface ProbeTimes {
  /** Milliseconds of every round, there and back. */
  readonly milliseconds: number[];
  /** For how long, in these rounds together, this thread was busy with taking the tensors out of the engine and into it. */
  readonly occupied: number;
  /** What all threads of this process computed in them, those of the link among them. */
  readonly processor: number;
}

/**
 * Sends a tensor to another worker and takes one from there, again and again, as a stage does: out of the engine, over the
 * link, into the engine.
 */
export async function probeLink(
  engine: Engine,
  mailbox: Mailbox,
  { peer, first, sends, rounds }: Omit<RequestOf<'probe'>, 'kind' | 'id'>,
): Promise<ProbeTimes> {
  const milliseconds: number[] = [];
  let [occupied, processor] = [0, 0];
  for (let round = 0; round < WARM_UP + rounds; round++) {
    const place = { step: 0, stage: 0, microBatch: round };
    const outgoing = engine.math.fill([sends], round);
    touch(engine, outgoing);
    let busy = 0;
    const send = async (): Promise<void> => {
      const started = performance.now();
      await mailbox.give(peer, { kind: 'activation', ...place }, outgoing);
      busy += performance.now() - started;
    };
    const before = process.cpuUsage();
    const begin = performance.now();
    if (first) await send();
    const incoming = await mailbox.take(peer, { kind: 'activation', ...place });
    const arrived = performance.now();
    touch(engine, incoming);
    busy += performance.now() - arrived;
    incoming.dispose();
    if (!first) await send();
    if (round < WARM_UP) continue;
    milliseconds.push(performance.now() - begin);
    const { user, system } = process.cpuUsage(before);
    processor += (user + system) / 1000;
    occupied += busy;
  }
  return { milliseconds, occupied, processor };
}
