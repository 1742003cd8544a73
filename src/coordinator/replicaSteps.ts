import type { DataInlet } from '../transport/dataLink.ts';
import type { FoundNotFinite, ReplyTo, RequestOf } from '../transport/protocol.ts';
import { keyOf, type TensorMessage } from '../transport/tensorMessage.ts';
import type { Scheduler } from './scheduler.ts';
import type { StepRecording } from './stepTrace.ts';

/*
 * What a step of several replicas is put together from. A pipeline by itself is one replica.
 */

export const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

export const shareFacts = (shares: readonly (readonly number[])[], reduce: boolean): RequestOf<'step'>['shared'] => ({
  samples: sumOf(shares.flat()),
  microBatches: shares.map(({ length }) => length),
  reduce,
});

/** What a replica found in a micro-batch of its own, in those of all. */
export const countedFrom = (before: number, { microBatch, ...found }: FoundNotFinite): FoundNotFinite => ({
  ...found,
  ...(microBatch === undefined ? {} : { microBatch: before + microBatch }),
});

/** When what happened in a step, on one clock; replies and clocks by replica. */
export function recordingOf(
  replies: readonly (readonly ReplyTo<'step'>[])[],
  {
    scheduler,
    clocks,
    shares,
  }: { scheduler: Scheduler; clocks: readonly (readonly number[])[]; shares: readonly (readonly number[])[] },
): StepRecording {
  const began = replies.map((own, replica) => own.map(({ start }, k) => start - (clocks[replica]![k] ?? 0)));
  const begin = Math.min(...began.flat());
  const records = replies.map((own, replica) => ({
    schedule: scheduler.schedule('train', shares[replica]!.length).schedule,
    routes: scheduler.routes,
    starts: began[replica]!.map((start) => start - begin),
    spans: own.map(({ spans }) => spans),
    sent: own.map(({ sent }) => sent),
    received: own.map(({ received }) => received),
  }));
  return { begin, records };
}

/** The outputs of all micro-batches of every replica, in order. */
export async function receiveOutputs(
  sinks: readonly DataInlet[],
  { step, stage, shares }: { step: number; stage: number; shares: readonly (readonly number[])[] },
  ended: AbortSignal,
  take?: (message: TensorMessage) => Promise<void>,
): Promise<TensorMessage[]> {
  const messages: TensorMessage[] = [];
  for (const [replica, own] of shares.entries())
    for (const microBatch of own.keys()) {
      const key = keyOf({ kind: 'output', step, stage, microBatch });
      const message = await sinks[replica]!.receive(key, ended);
      if (take) await take(message);
      else messages.push(message);
    }
  return messages;
}
