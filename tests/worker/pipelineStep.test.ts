import { beforeAll, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { sizeOf, type Tensor } from '../../src/engine/tensor.ts';
import { ParameterStore } from '../../src/layers/parameterStore.ts';
import { endMiniBatch } from '../../src/layers/sequence.ts';
import { lossFromSpec } from '../../src/losses/index.ts';
import { layersOf } from '../../src/models/cell.ts';
import { parameterSpecs } from '../../src/models/describe.ts';
import { buildModel } from '../../src/models/index.ts';
import { initializeParameters } from '../../src/models/initialize.ts';
import { messagesOf } from '../../src/pipeline/messages.ts';
import { routesOf } from '../../src/pipeline/routes.ts';
import { schedules } from '../../src/pipeline/schedules.ts';
import { LOADER, SINK, workerName } from '../../src/transport/names.ts';
import type { RequestOf } from '../../src/transport/protocol.ts';
import { keyOf, type TensorAddress, type TensorValues } from '../../src/transport/tensorMessage.ts';
import type { Mailbox } from '../../src/worker/mailbox.ts';
import { PipelineStep } from '../../src/worker/pipelineStep.ts';
import { Stage } from '../../src/worker/stage.ts';
import { StepRecord } from '../../src/worker/stepRecord.ts';
import { walk } from '../../src/worker/walk.ts';
import { smallModel } from '../support/replay.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'auto' });
});

const model = buildModel(smallModel({ depth: 2, n_feat: 2 }));
const microBatches = [1, 1];
const size = [16, 16];

interface Parcel {
  readonly values: TensorValues;
  readonly shape: readonly number[];
}

/** All mailboxes of a pipeline in one process, of which one breaks off a wait: the `last` of its waits, counted from 0. */
class PostOffice {
  readonly #parcels = new Map<string, Parcel>();
  readonly #over = new AbortController();
  readonly #last: number;
  waits = 0;

  constructor(last: number) {
    this.#last = last;
  }

  post(to: string, address: TensorAddress, parcel: Parcel): void {
    this.#parcels.set(`${to}: ${keyOf(address)}`, parcel);
  }

  mailbox(own: string): Mailbox {
    const here = new Map<string, Tensor>();
    const box: Pick<Mailbox, 'take' | 'give' | 'send' | 'dispose'> = {
      take: async (from, address) => {
        if (from === own) return here.get(keyOf(address))!;
        const key = `${own}: ${keyOf(address)}`;
        await this.#wait(() => this.#parcels.has(key));
        const { values, shape } = this.#parcels.get(key)!;
        return engine.tensor(values, shape);
      },
      give: async (to, address, tensor) => {
        if (to === own) {
          here.set(keyOf(address), tensor);
          return 0;
        }
        const [values, shape] = [engine.read(tensor), [...tensor.shape]];
        tensor.dispose();
        await box.send(to, address, values, shape);
        return values.byteLength;
      },
      send: async (to, address, values, shape) => {
        await this.#wait(() => true);
        this.post(to, address, { values, shape });
      },
      dispose: () => here.forEach((tensor) => tensor.dispose()),
    };
    // What a step needs of one.
    return box as Mailbox;
  }

  /** Whoever waits need not wait for somebody who has failed. */
  close(reason: unknown): void {
    this.#over.abort(reason);
  }

  async #wait(ready: () => boolean): Promise<void> {
    do {
      await new Promise(setImmediate);
      this.#over.signal.throwIfAborted();
    } while (!ready());
    if (this.waits++ !== this.#last) return;
    this.#over.abort(new Error('broken off'));
    this.#over.signal.throwIfAborted();
  }
}

type Name = 'gpipe' | 'interleaved_1f1b' | 'zb_v';

/** A training step whose logits are sent back, on two workers. Returns how many waits there were and which tensors are left. */
async function stepWith(
  name: Name,
  last: number,
): Promise<{ waits: number; left: number; broken: string | undefined }> {
  const before = engine.memory().tensors;
  const [workers, perWorker] = [2, name === 'gpipe' ? 1 : 2];
  const placement = schedules[name].placement(workers, perWorker);
  const cut = Math.ceil(model.cells.length / placement.length);
  const stages = placement.map((_, s) => ({ start: s * cut, end: Math.min(model.cells.length, (s + 1) * cut) }));
  const routes = routesOf(model.cells, { stages });
  const schedule = schedules[name].generate({ stages: stages.length, placement, microBatches: 2 });
  const office = new PostOffice(last);
  const request = {
    ...{ kind: 'step', id: 0, step: 0, purpose: 'train', schedule: '', norm: false, output: 'labels' },
    ...{ microBatches, draws: ['a', 'b'] },
  } as const satisfies RequestOf<'step'>;
  feed(office, placement);
  const runs = Array.from({ length: workers }, async (_, worker) => {
    const own = placement.flatMap((owner, stage) => (owner === worker ? [stage] : []));
    const cells = own.flatMap((stage) => model.cells.slice(stages[stage]!.start, stages[stage]!.end));
    const parameters = new ParameterStore(engine);
    initializeParameters(engine, parameters, parameterSpecs(cells), 5);
    const stageOf = (stage: number): Stage => {
      const { start, end } = stages[stage]!;
      const options = { engine, parameters, recompute: 'except_last', batchNorm: 'micro' } as const;
      return new Stage({ ...options, first: stage === 0, cells: model.cells.slice(start, end) });
    };
    const held = new Map(own.map((stage) => [stage, stageOf(stage)]));
    const mailbox = office.mailbox(workerName(worker));
    const step = new PipelineStep({
      ...{ engine, mailbox, stages: held, lastStage: placement.length - 1, request, record: new StepRecord() },
      peers: { worker: workerName, loader: LOADER, sink: SINK },
      loss: lossFromSpec({ name: 'lamp', focal_weight: 0.5, focal_gamma: 2 }, 2),
      ...{ classWeights: undefined, teacher: undefined, check: undefined, takeInputGradient: () => {} },
    });
    try {
      const options = { signal: new AbortController().signal, doing: async () => {}, now: () => 0 };
      await walk(messagesOf(schedule, routes)[worker]!, step, options);
      for (const cell of cells) endMiniBatch({ engine, parameters }, layersOf(cell));
    } catch (error) {
      office.close(error);
      throw error;
    } finally {
      step.dispose();
      mailbox.dispose();
      for (const stage of held.values()) stage.dispose();
      parameters.dispose();
    }
  });
  const ended = await Promise.allSettled(runs);
  const broken = ended.flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : []))[0];
  return { waits: office.waits, left: engine.memory().tensors - before, broken };
}

/** What the loader sends. */
function feed(office: PostOffice, placement: readonly number[]): void {
  const last = placement.length - 1;
  const [first, end] = [workerName(placement[0]!), workerName(placement[last]!)];
  const counts = { kind: 'counts', step: 0, microBatch: 0, stage: last } as const;
  office.post(end, counts, { values: new Float32Array([64, 64]), shape: [2] });
  for (const microBatch of microBatches.keys()) {
    const place = { step: 0, microBatch };
    const image = Float32Array.from({ length: sizeOf(size) }, (_, i) => Math.sin(i + microBatch));
    office.post(first, { kind: 'image', stage: 0, ...place }, { values: image, shape: [1, ...size, 1] });
    const labels = Int32Array.from(image, (value) => (value > 0 ? 1 : 0));
    office.post(end, { kind: 'label', stage: last, ...place }, { values: labels, shape: [1, ...size] });
    office.post(end, { kind: 'flags', stage: last, ...place }, { values: new Float32Array([1, 1]), shape: [1, 2] });
  }
}

it.each<Name>(['gpipe', 'interleaved_1f1b', 'zb_v'])(
  'a step of %s that is broken off, at whichever wait, leaves no tensor behind',
  { timeout: 60_000 },
  async (name) => {
    const { waits, ...whole } = await stepWith(name, -1);
    expect(whole).toEqual({ left: 0, broken: undefined });
    expect(waits).toBeGreaterThan(10);
    for (let last = 0; last < waits; last++)
      expect({ last, ...(await stepWith(name, last)) }).toMatchObject({ last, left: 0, broken: 'Error: broken off' });
  },
);
