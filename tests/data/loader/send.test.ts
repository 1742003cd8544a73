import { afterEach, describe, expect, it } from 'vitest';
import { samplesOf, type Batch, type FeedSample } from '../../../src/data/loader/feed.ts';
import { sendBatch } from '../../../src/data/loader/send.ts';
import { DataInlet, DataOutlet } from '../../../src/transport/dataLink.ts';
import type { RequestOf } from '../../../src/transport/protocol.ts';
import { keyOf, type PlainKind, type TensorValues } from '../../../src/transport/tensorMessage.ts';

const run = 'run-1';
const open: { close(): void }[] = [];
afterEach(() => open.splice(0).forEach((link) => link.close()));

/** A link that takes few messages, so that a sender which is ahead has to wait. */
async function link(to: string): Promise<{ inlet: DataInlet; outlet: DataOutlet }> {
  const inlet = await DataInlet.bind({ from: 'loader', run, highWaterMark: 1, setAside: 4 });
  const outlet = DataOutlet.connect({ endpoint: inlet.endpoint, to, run, highWaterMark: 1 });
  open.push(inlet, outlet);
  return { inlet, outlet };
}

/** Three samples of 2 × 2 voxels, one channel, two classes. */
const values = {
  images: Float32Array.from({ length: 12 }, (_, i) => i),
  labels: Uint8Array.of(0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1),
  flags: Float32Array.of(1, 1, 1, 0, 1, 1),
};
const batch: Batch = samplesOf([3, 2, 2, 1], values);

const large: FeedSample = {
  shape: [3, 2, 1],
  image: new Float32Array(6),
  labels: new Uint8Array(6),
  annotated: [true, true],
  file: 'large.nii',
};

type Receiver = RequestOf<'feed'>['to'][number];

const requestTo = (...to: Receiver[]): RequestOf<'feed'> => ({
  kind: 'feed',
  id: 0,
  step: 7,
  source: { kind: 'replay', step: 0 },
  to,
});

const receiver = (options: Partial<Receiver> = {}): Receiver => ({
  microBatches: [2, 1],
  imagesTo: 'worker 0',
  labelsTo: { peer: 'worker 0', stage: 0 },
  ...options,
});

const request = (options: Partial<Receiver> = {}): RequestOf<'feed'> => requestTo(receiver(options));

const signal = AbortSignal.timeout(30_000);
const receive = async (
  inlet: DataInlet,
  kind: PlainKind,
  microBatch: number,
  stage = 0,
): Promise<{ shape: readonly number[]; values: TensorValues }> => {
  const { header, values } = await inlet.receive(keyOf({ kind, step: 7, stage, microBatch }), signal);
  return { shape: header.shape, values };
};

describe('a mini-batch', () => {
  it('goes to one worker in the order in which it is read, so that nothing is set aside', async () => {
    const { inlet, outlet } = await link('worker 0');
    const links = { inlets: new Map(), outlets: new Map([['worker 0', outlet]]) };
    const sent = sendBatch(links, request(), batch, signal);
    expect(await receive(inlet, 'image', 0)).toEqual({ shape: [2, 2, 2, 1], values: values.images.slice(0, 8) });
    expect(await receive(inlet, 'counts', 0)).toEqual({ shape: [2], values: Int32Array.of(5, 7) });
    expect(await receive(inlet, 'label', 0)).toEqual({ shape: [2, 2, 2], values: values.labels.slice(0, 8) });
    expect(await receive(inlet, 'flags', 0)).toEqual({ shape: [2, 2], values: Float32Array.of(1, 1, 1, 0) });
    expect(await receive(inlet, 'image', 1)).toEqual({ shape: [1, 2, 2, 1], values: values.images.slice(8) });
    expect(await receive(inlet, 'label', 1)).toEqual({ shape: [1, 2, 2], values: values.labels.slice(8) });
    expect(await receive(inlet, 'flags', 1)).toEqual({ shape: [1, 2], values: Float32Array.of(1, 1) });
    await sent;
    expect(outlet.messagesSent).toBe(7);
  });

  it('goes to two workers side by side: one that does not read holds the other up by nothing', async () => {
    const [first, last] = [await link('worker 0'), await link('worker 1')];
    const outlets = new Map([
      ['worker 0', first.outlet],
      ['worker 1', last.outlet],
    ]);
    const links = { inlets: new Map(), outlets };
    const sent = sendBatch(links, request({ labelsTo: { peer: 'worker 1', stage: 4 } }), batch, signal);
    await receive(first.inlet, 'image', 0);
    await receive(first.inlet, 'image', 1);
    expect((await receive(last.inlet, 'counts', 0, 4)).values).toEqual(Int32Array.of(5, 7));
    for (const microBatch of [0, 1])
      for (const kind of ['label', 'flags'] as const) await receive(last.inlet, kind, microBatch, 4);
    await sent;
  });

  it('of several sizes goes through in micro-batches of one', async () => {
    const { inlet, outlet } = await link('worker 0');
    const links = { inlets: new Map(), outlets: new Map([['worker 0', outlet]]) };
    const sent = sendBatch(links, request({ microBatches: [1, 1] }), [large, batch[2]!], signal);
    expect((await receive(inlet, 'image', 0)).shape).toEqual([1, 3, 2, 1]);
    expect((await receive(inlet, 'counts', 0)).values).toEqual(Int32Array.of(6, 4));
    for (const kind of ['label', 'flags'] as const) await receive(inlet, kind, 0);
    expect(await receive(inlet, 'image', 1)).toEqual({ shape: [1, 2, 2, 1], values: values.images.slice(8) });
    expect((await receive(inlet, 'label', 1)).shape).toEqual([1, 2, 2]);
    await receive(inlet, 'flags', 1);
    await sent;
  });

  it('cannot put several sizes into one micro-batch: the error names the files and what to do', async () => {
    const { outlet } = await link('worker 0');
    const links = { inlets: new Map(), outlets: new Map([['worker 0', outlet]]) };
    const mixed = [large, { ...batch[0]!, file: 'small.nii' }];
    const message =
      'samples of 3 × 2 × 1 from large.nii and 2 × 2 × 1 from small.nii (y, x, channels) cannot share a micro-batch; ' +
      'set pipeline.micro_batches to training.batch_size, or data.patch_size to a size';
    await expect(sendBatch(links, request({ microBatches: [2] }), mixed, signal)).rejects.toThrow(message);
  });

  it('that is not of the size that was asked for is not sent in part', async () => {
    const { outlet } = await link('worker 0');
    const links = { inlets: new Map(), outlets: new Map([['worker 0', outlet]]) };
    await expect(sendBatch(links, request({ microBatches: [2] }), batch, signal)).rejects.toThrow(
      '3 samples cannot be cut into parts of 2',
    );
    expect(outlet.messagesSent).toBe(0);
  });

  it('is shared by replicas, each told of the classes of the whole; one that does not read holds up no other', async () => {
    const [one, other] = [await link('worker 0'), await link('worker 1')];
    const outlets = new Map([
      ['worker 0', one.outlet],
      ['worker 1', other.outlet],
    ]);
    const to = [
      receiver({ microBatches: [1, 1] }),
      receiver({ microBatches: [1], imagesTo: 'worker 1', labelsTo: { peer: 'worker 1', stage: 0 } }),
    ];
    const sent = sendBatch({ inlets: new Map(), outlets }, requestTo(...to), batch, signal);
    expect((await receive(other.inlet, 'image', 0)).values).toEqual(values.images.slice(8));
    expect((await receive(other.inlet, 'counts', 0)).values).toEqual(Int32Array.of(5, 7));
    expect((await receive(other.inlet, 'label', 0)).values).toEqual(values.labels.slice(8));
    expect((await receive(other.inlet, 'flags', 0)).values).toEqual(Float32Array.of(1, 1));
    for (const microBatch of [0, 1]) {
      const image = await receive(one.inlet, 'image', microBatch);
      expect(image.values).toEqual(values.images.slice(4 * microBatch, 4 * microBatch + 4));
      if (microBatch === 0) expect((await receive(one.inlet, 'counts', 0)).values).toEqual(Int32Array.of(5, 7));
      for (const kind of ['label', 'flags'] as const) await receive(one.inlet, kind, microBatch);
    }
    await sent;
  });

  it('is images alone where no labels are wanted', async () => {
    const { inlet, outlet } = await link('worker 0');
    const links = { inlets: new Map(), outlets: new Map([['worker 0', outlet]]) };
    const { labelsTo: _, ...images } = receiver({ microBatches: [3] });
    const sent = sendBatch(links, requestTo(images), batch, signal);
    expect((await receive(inlet, 'image', 0)).shape).toEqual([3, 2, 2, 1]);
    await sent;
    expect(outlet.messagesSent).toBe(1);
  });

  it('that has no labels cannot be sent to a loss', async () => {
    const { outlet } = await link('worker 0');
    const links = { inlets: new Map(), outlets: new Map([['worker 0', outlet]]) };
    const unlabelled = samplesOf([3, 2, 2, 1], { images: values.images });
    await expect(sendBatch(links, request(), unlabelled, signal)).rejects.toThrow('the replay source has no labels');
  });

  it('ends waiting when the run does', async () => {
    const { outlet } = await link('worker 0');
    const controller = new AbortController();
    const links = { inlets: new Map(), outlets: new Map([['worker 0', outlet]]) };
    const many = samplesOf([300, 2, 2, 1], { images: new Float32Array(1200) });
    const { labelsTo: _, ...images } = receiver({ microBatches: Array.from({ length: 300 }, () => 1) });
    const sent = sendBatch(links, requestTo(images), many, controller.signal);
    controller.abort(new Error('the run has ended'));
    await expect(sent).rejects.toThrow('the run has ended');
  });
});
