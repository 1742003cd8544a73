import type { DataOutlet } from '../../transport/dataLink.ts';
import type { Links } from '../../transport/links.ts';
import type { RequestOf } from '../../transport/protocol.ts';
import type { OutgoingTensor, TensorValues } from '../../transport/tensorMessage.ts';
import type { Batch } from './feed.ts';
import { stackedShape, stackValues } from './stack.ts';

type FeedRequest = RequestOf<'feed'>;

/** A tensor that is due to be sent; its values are made when its turn comes. */
interface Parcel {
  readonly tensor: OutgoingTensor;
  readonly values: () => TensorValues;
}

/**
 * Sends a mini-batch, micro-batch by micro-batch: the images to the first stage; the voxels of every class, the labels and the
 * annotation flags to the last.
 */
export async function sendBatch(links: Links, request: FeedRequest, batch: Batch, signal: AbortSignal): Promise<void> {
  const { imagesTo, labelsTo } = request;
  const images = imageParcels(request, batch);
  const labels = labelsTo ? labelParcels(request, batch, labelsTo.stage) : [];
  const send = async (peer: string, parcels: Iterable<readonly Parcel[]>): Promise<void> => {
    const outlet = outletTo(links, peer);
    for (const parcel of [...parcels].flat()) await outlet.send(parcel.tensor, parcel.values(), signal);
  };
  // On one link in the order in which they are read, or what is read last would pile up at the reader.
  if (!labelsTo || labelsTo.peer === imagesTo)
    return send(
      imagesTo,
      images.map((image, microBatch) => [...image, ...(labels[microBatch] ?? [])]),
    );
  // On two side by side: a full label link must not hold up the images that its reader waits for.
  await Promise.all([send(imagesTo, images), send(labelsTo.peer, labels)]);
}

/** The image of every micro-batch. */
const imageParcels = ({ step, microBatches }: FeedRequest, batch: Batch): Parcel[][] =>
  microBatchesOf(batch, microBatches).map((samples, microBatch) => [
    {
      tensor: { kind: 'image', step, stage: 0, microBatch, shape: stackedShape(samples) },
      values: () => stackValues(samples.map(({ image }) => image)),
    },
  ]);

/** What the last stage is given for every micro-batch; the counts are those of the whole mini-batch and go first. */
function labelParcels({ step, source, microBatches }: FeedRequest, batch: Batch, stage: number): Parcel[][] {
  if (batch.every(({ outputGradient }) => outputGradient)) return gradientParcels({ step, microBatches }, batch, stage);
  const labelled = batch.map(({ shape, labels, annotated }) => {
    if (!labels || !annotated) throw new Error(`the ${source.kind} source has no labels`);
    return { shape, labels, annotated };
  });
  const classes = labelled[0]!.annotated.length;
  return microBatchesOf(labelled, microBatches).map((samples, microBatch) => {
    const place = { step, stage, microBatch };
    const flags = samples.flatMap(({ annotated }) => annotated.map(Number));
    const spatial = samples[0]!.shape.slice(0, -1);
    const parcels: Parcel[] = [
      {
        tensor: { kind: 'label', ...place, shape: [samples.length, ...spatial] },
        values: () => stackValues(samples.map(({ labels }) => labels)),
      },
      {
        tensor: { kind: 'flags', ...place, shape: [samples.length, classes] },
        values: () => Float32Array.from(flags),
      },
    ];
    if (microBatch > 0) return parcels;
    const counts = (): Int32Array => voxelsOf(labelled, classes);
    return [{ tensor: { kind: 'counts', ...place, shape: [classes] }, values: counts }, ...parcels];
  });
}

/** The gradient of the output where labels would be; nothing is annotated or counted. */
const gradientParcels = (
  { step, microBatches }: Pick<FeedRequest, 'step' | 'microBatches'>,
  batch: Batch,
  stage: number,
): Parcel[][] =>
  microBatchesOf(batch, microBatches).map((samples, microBatch) => {
    const place = { step, stage, microBatch };
    const gradients = samples.flatMap(({ outputGradient }) => outputGradient ?? []);
    const nothing = { shape: [1], values: () => new Float32Array(1) };
    const parcels = [
      {
        tensor: { kind: 'label', ...place, shape: stackedShape(gradients) },
        values: () => stackValues(gradients.map(({ values }) => values)),
      },
      { tensor: { kind: 'flags', ...place, shape: nothing.shape }, values: nothing.values },
    ] satisfies Parcel[];
    if (microBatch > 0) return parcels;
    return [{ tensor: { kind: 'counts', ...place, shape: nothing.shape }, values: nothing.values }, ...parcels];
  });

/** How many voxels every class has. */
function voxelsOf(samples: readonly { labels: Uint8Array }[], classes: number): Int32Array {
  const counts = new Int32Array(256);
  for (const { labels } of samples) for (const label of labels) counts[label]!++;
  return counts.slice(0, classes);
}

/** The samples of every micro-batch. */
function microBatchesOf<T>(batch: readonly T[], sizes: readonly number[]): T[][] {
  const asked = sizes.reduce((sum, size) => sum + size, 0);
  if (asked !== batch.length)
    throw new Error(`${batch.length} samples cannot be cut into micro-batches of ${sizes.join(', ')}`);
  let offset = 0;
  return sizes.map((size) => batch.slice(offset, (offset += size)));
}

function outletTo(links: Links, peer: string): DataOutlet {
  const outlet = links.outlets.get(peer);
  if (!outlet) throw new Error(`the loader has no link to ${peer}`);
  return outlet;
}
