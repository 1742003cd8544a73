import type { DataOutlet } from '../../transport/dataLink.ts';
import type { Links } from '../../transport/links.ts';
import type { RequestOf } from '../../transport/protocol.ts';
import type { OutgoingTensor, TensorValues } from '../../transport/tensorMessage.ts';
import type { Batch } from './feed.ts';
import { stackedShape, stackValues } from './stack.ts';

type FeedRequest = RequestOf<'feed'>;
type Receiver = FeedRequest['to'][number];
type Place = { readonly step: number; readonly stage: number; readonly microBatch: number };

/** A tensor that is due to be sent; its values are made when its turn comes. */
interface Parcel {
  readonly tensor: OutgoingTensor;
  readonly values: () => TensorValues;
}

/** What a replica gets: consecutive samples of the mini-batch, in micro-batches. */
interface Share extends Receiver {
  readonly step: number;
  readonly samples: Batch;
}

/** Sends a mini-batch to those that it is for, to each its share; one that is behind holds up no other. */
export async function sendBatch(links: Links, request: FeedRequest, batch: Batch, signal: AbortSignal): Promise<void> {
  const { step, to } = request;
  const counts = to.some(({ labelsTo }) => labelsTo) ? countParcels(request, batch) : () => [];
  const shares = cut(
    batch,
    to.map(({ microBatches }) => sum(microBatches)),
  );
  await Promise.all(
    to.map((receiver, r) => sendShare(links, { ...receiver, step, samples: shares[r]! }, counts, signal)),
  );
}

/**
 * Sends a share, micro-batch by micro-batch: the images to the first stage; the voxels of every class, the labels and the
 * annotation flags to the last.
 */
async function sendShare(links: Links, share: Share, counts: Counts, signal: AbortSignal): Promise<void> {
  const { imagesTo, labelsTo } = share;
  const images = imageParcels(share);
  const labels = labelsTo ? labelParcels(share, labelsTo.stage, counts) : [];
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
const imageParcels = ({ step, samples, microBatches }: Share): Parcel[][] =>
  cut(samples, microBatches).map((parts, microBatch) => [
    {
      tensor: { kind: 'image', step, stage: 0, microBatch, shape: stackedShape(parts) },
      values: () => stackValues(parts.map(({ image }) => image)),
    },
  ]);

/** What the last stage is told before the first labels: of the whole mini-batch, whoever has which share. */
type Counts = (place: Place) => Parcel[];

/** Voxels of every class; nothing is counted where there is a gradient in the place of labels. */
function countParcels({ source }: FeedRequest, batch: Batch): Counts {
  if (isGiven(batch)) return (place) => [{ tensor: { kind: 'counts', ...place, shape: [1] }, values: nothing }];
  const all = labelled(batch, source.kind);
  const classes = all[0]!.annotated.length;
  let counted: Int32Array | undefined;
  // Every receiver may keep what it is sent: each gets a copy.
  const values = (): Int32Array => (counted ??= voxelsOf(all, classes)).slice();
  return (place) => [{ tensor: { kind: 'counts', ...place, shape: [classes] }, values }];
}

/** What the last stage is given for every micro-batch. */
function labelParcels({ step, samples, microBatches }: Share, stage: number, counts: Counts): Parcel[][] {
  return cut(samples, microBatches).map((parts, microBatch) => {
    const place = { step, stage, microBatch };
    const parcels = isGiven(parts) ? gradientParcels(parts, place) : labelledParcels(parts, place);
    return microBatch > 0 ? parcels : [...counts(place), ...parcels];
  });
}

function labelledParcels(parts: Batch, place: Place): Parcel[] {
  const flags = parts.flatMap(({ annotated = [] }) => annotated.map(Number));
  return [
    {
      tensor: { kind: 'label', ...place, shape: [parts.length, ...parts[0]!.shape.slice(0, -1)] },
      values: () => stackValues(parts.flatMap(({ labels }) => labels ?? [])),
    },
    {
      tensor: { kind: 'flags', ...place, shape: [parts.length, flags.length / parts.length] },
      values: () => Float32Array.from(flags),
    },
  ];
}

/** The gradient of the output where labels would be; nothing is annotated. */
function gradientParcels(parts: Batch, place: Place): Parcel[] {
  const gradients = parts.flatMap(({ outputGradient }) => outputGradient ?? []);
  return [
    {
      tensor: { kind: 'label', ...place, shape: stackedShape(gradients) },
      values: () => stackValues(gradients.map(({ values }) => values)),
    },
    { tensor: { kind: 'flags', ...place, shape: [1] }, values: nothing },
  ];
}

const nothing = (): Float32Array => new Float32Array(1);

const isGiven = (batch: Batch): boolean => batch.every(({ outputGradient }) => outputGradient);

const labelled = (batch: Batch, kind: string): { labels: Uint8Array; annotated: readonly boolean[] }[] =>
  batch.map(({ labels, annotated }) => {
    if (!labels || !annotated) throw new Error(`the ${kind} source has no labels`);
    return { labels, annotated };
  });

/** How many voxels every class has. */
function voxelsOf(samples: readonly { labels: Uint8Array }[], classes: number): Int32Array {
  const counts = new Int32Array(256);
  for (const { labels } of samples) for (const label of labels) counts[label]!++;
  return counts.slice(0, classes);
}

/** Consecutive samples, so many in each part. */
function cut<T>(batch: readonly T[], sizes: readonly number[]): T[][] {
  if (sum(sizes) !== batch.length)
    throw new Error(`${batch.length} samples cannot be cut into parts of ${sizes.join(', ')}`);
  let offset = 0;
  return sizes.map((size) => batch.slice(offset, (offset += size)));
}

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);

function outletTo(links: Links, peer: string): DataOutlet {
  const outlet = links.outlets.get(peer);
  if (!outlet) throw new Error(`the loader has no link to ${peer}`);
  return outlet;
}
