import type { DataOutlet } from '../../transport/dataLink.ts';
import type { Links } from '../../transport/links.ts';
import type { RequestOf } from '../../transport/protocol.ts';
import type { OutgoingTensor, TensorValues } from '../../transport/tensorMessage.ts';
import type { Batch } from './feed.ts';

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
function imageParcels({ step, microBatches }: FeedRequest, { shape, images }: Batch): Parcel[][] {
  const [samples = 1, ...rest] = shape;
  return cuts(microBatches).map(({ microBatch, size, offset }) => [
    {
      tensor: { kind: 'image', step, stage: 0, microBatch, shape: [size, ...rest] },
      values: () => part(images, samples, offset, size),
    },
  ]);
}

/** What the last stage is given for every micro-batch; the counts are those of the whole mini-batch and go first. */
function labelParcels({ step, source, microBatches }: FeedRequest, batch: Batch, stage: number): Parcel[][] {
  const { labels, flags } = batch;
  if (!labels || !flags) throw new Error(`the ${source.kind} source has no labels`);
  const [samples = 1, ...rest] = batch.shape;
  const spatial = rest.slice(0, -1);
  const classes = flags.length / samples;
  return cuts(microBatches).map(({ microBatch, size, offset }) => {
    const place = { step, stage, microBatch };
    const parcels: Parcel[] = [
      {
        tensor: { kind: 'label', ...place, shape: [size, ...spatial] },
        values: () => part(labels, samples, offset, size),
      },
      {
        tensor: { kind: 'flags', ...place, shape: [size, classes] },
        values: () => part(flags, samples, offset, size),
      },
    ];
    if (microBatch > 0) return parcels;
    return [
      { tensor: { kind: 'counts', ...place, shape: [classes] }, values: () => voxelsOf(labels, classes) },
      ...parcels,
    ];
  });
}

/** How many voxels every class has. */
function voxelsOf(labels: Uint8Array, classes: number): Int32Array {
  const counts = new Int32Array(classes);
  for (const label of labels) if (label < classes) counts[label]!++;
  return counts;
}

function cuts(sizes: readonly number[]): { microBatch: number; size: number; offset: number }[] {
  let offset = 0;
  return sizes.map((size, microBatch) => {
    const cut = { microBatch, size, offset };
    offset += size;
    return cut;
  });
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
