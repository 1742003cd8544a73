import { Pulse } from '../../src/transport/pulse.ts';
import { afterEach, beforeAll, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { DataInlet, DataOutlet } from '../../src/transport/dataLink.ts';
import { noLinks, type Links } from '../../src/transport/links.ts';
import type { TensorAddress } from '../../src/transport/tensorMessage.ts';
import { Mailbox } from '../../src/worker/mailbox.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'auto' });
});

const open: { close(): void }[] = [];
afterEach(() => open.splice(0).forEach((link) => link.close()));

const address: TensorAddress = { kind: 'skip', skip: 'encoder.0', step: 1, stage: 2, microBatch: 0 };
const mailbox = (
  links: Links = noLinks(),
  { own = 'worker 1', signal = AbortSignal.timeout(30_000) }: { own?: string; signal?: AbortSignal } = {},
): Mailbox => new Mailbox({ engine, own, links, signal, pulse: new Pulse() });

it('what stays on this worker is handed over as it is', async () => {
  const here = mailbox();
  const tensor = engine.tensor(Float32Array.of(1, 2), [2]);
  await here.give('worker 1', address, tensor);
  expect(await here.take('worker 1', address)).toBe(tensor);
  await expect(here.take('worker 1', address)).rejects.toThrow('is not here yet');
  tensor.dispose();
});

it('what leaves goes out of the memory of the engine, and comes in on the other side', async () => {
  const before = engine.memory();
  const inlet = await DataInlet.bind({ from: 'worker 1', run: 'run-1', highWaterMark: 2 });
  const outlet = DataOutlet.connect({ endpoint: inlet.endpoint, to: 'worker 2', run: 'run-1', highWaterMark: 2 });
  open.push(inlet, outlet);
  const sender = mailbox({ inlets: new Map(), outlets: new Map([['worker 2', outlet]]) });
  const receiver = mailbox({ inlets: new Map([['worker 1', inlet]]), outlets: new Map() }, { own: 'worker 2' });
  // Two own the values, and only one gives them away.
  const kept = engine.tensor(Float32Array.of(1, 2, 3, 4), [2, 2]);
  await sender.give('worker 2', address, engine.share(kept));
  const tensor = await receiver.take('worker 1', address);
  expect(tensor.shape).toEqual([2, 2]);
  expect(engine.read(tensor)).toEqual(engine.read(kept));
  for (const each of [tensor, kept]) each.dispose();
  expect(engine.memory()).toEqual(before);
});

it('a peer to which there is no link is named', async () => {
  const tensor = engine.tensor(Float32Array.of(1), [1]);
  await expect(mailbox().take('worker 0', address)).rejects.toThrow('no link from worker 0');
  await expect(mailbox().give('worker 3', address, tensor)).rejects.toThrow('no link to worker 3');
});

it('what nobody took is let go of at the end', async () => {
  const before = engine.memory();
  const here = mailbox();
  await here.give('worker 1', address, engine.tensor(Float32Array.of(1, 2), [2]));
  here.dispose();
  expect(engine.memory()).toEqual(before);
});

it('a wait ends when the run does', async () => {
  const inlet = await DataInlet.bind({ from: 'worker 0', run: 'run-1', highWaterMark: 2 });
  open.push(inlet);
  const controller = new AbortController();
  const links = { inlets: new Map([['worker 0', inlet]]), outlets: new Map() };
  const waiting = mailbox(links, { signal: controller.signal }).take('worker 0', address);
  controller.abort(new Error('the run has ended'));
  await expect(waiting).rejects.toThrow('the run has ended');
});
