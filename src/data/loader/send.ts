import type { Links } from '../../transport/links.ts';
import type { DataOutlet } from '../../transport/dataLink.ts';
import type { RequestOf } from '../../transport/protocol.ts';
import type { Batch } from './feed.ts';

type FeedRequest = RequestOf<'feed'>;

/** The images, micro-batch by micro-batch, to the first stage. */
export async function sendImages(links: Links, request: FeedRequest, batch: Batch, signal: AbortSignal): Promise<void> {
  const outlet = outletTo(links, request.imagesTo);
  const [, ...rest] = batch.shape;
  for (const { microBatch, size, offset } of cuts(request.microBatches)) {
    const address = { kind: 'image', step: request.step, stage: 0, microBatch } as const;
    const values = part(batch.images, batch.shape[0]!, offset, size);
    await outlet.send({ ...address, shape: [size, ...rest] }, values, signal);
  }
}

/** The labels and the annotation flags, micro-batch by micro-batch, to the last stage. */
export async function sendLabels(links: Links, request: FeedRequest, batch: Batch, signal: AbortSignal): Promise<void> {
  const { labelsTo, step } = request;
  if (!labelsTo) return;
  const { labels, flags } = batch;
  if (!labels || !flags) throw new Error(`the ${request.source.kind} source has no labels`);
  const outlet = outletTo(links, labelsTo.peer);
  const [samples = 1, ...rest] = batch.shape;
  const spatial = rest.slice(0, -1);
  for (const { microBatch, size, offset } of cuts(request.microBatches)) {
    const place = { step, stage: labelsTo.stage, microBatch };
    await outlet.send(
      { kind: 'label', ...place, shape: [size, ...spatial] },
      part(labels, samples, offset, size),
      signal,
    );
    const annotated = part(flags, samples, offset, size);
    await outlet.send({ kind: 'flags', ...place, shape: [size, annotated.length / size] }, annotated, signal);
  }
}

function* cuts(sizes: readonly number[]): Generator<{ microBatch: number; size: number; offset: number }> {
  let offset = 0;
  for (const [microBatch, size] of sizes.entries()) {
    yield { microBatch, size, offset };
    offset += size;
  }
}

/** A copy: ZeroMQ may hold on to what it was given for as long as it takes to send. */
function part<T extends Float32Array | Uint8Array>(values: T, samples: number, offset: number, size: number): T {
  const width = values.length / samples;
  return values.slice(offset * width, (offset + size) * width) as T;
}

function outletTo(links: Links, peer: string): DataOutlet {
  const outlet = links.outlets.get(peer);
  if (!outlet) throw new Error(`the loader has no link to ${peer}`);
  return outlet;
}
