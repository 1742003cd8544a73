import { dumpGradients, dumpParameters } from '../checkpoint/parameters.ts';
import { channelsFirst } from '../checkpoint/pytorchLayout.ts';
import { writeSafetensors, type HostTensor } from '../checkpoint/safetensors.ts';
import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import { startEngine } from '../engine/index.ts';
import { endMiniBatch } from '../layers/sequence.ts';
import { layersOf } from '../models/cell.ts';
import { buildModel } from '../models/index.ts';
import { countParameters } from '../models/describe.ts';
import { messagesOf } from '../pipeline/messages.ts';
import { parseSchedule } from '../pipeline/scheduleText.ts';
import { refusedByProcess } from '../transport/counters.ts';
import { inputGradientName, LOADER, numberOf, SINK, workerName } from '../transport/names.ts';
import type { Peer } from '../transport/peer.ts';
import type { ReplyTo, Request, RequestOf } from '../transport/protocol.ts';
import {
  bindInlets,
  bindOutlets,
  closeLinks,
  connectOutlets,
  endpointsOf,
  noLinks,
  type Links,
} from '../transport/links.ts';
import { assign, disposeAssignment, type Assignment } from './assignment.ts';
import { deviceName } from './device.ts';
import { Finiteness } from './finiteness.ts';
import { Keeping } from './keeping.ts';
import { Mailbox } from './mailbox.ts';
import { PipelineStep } from './pipelineStep.ts';
import { probeLink } from './probe.ts';
import { profileModel } from './profile.ts';
import { firstWorker, reductionOf } from './replica.ts';
import { copyState } from './state.ts';
import { StepRecord } from './stepRecord.ts';
import type { Teacher } from './teacher.ts';
import { walk } from './walk.ts';

type Body<K extends Request['kind']> = Omit<ReplyTo<K>, 'kind' | 'id'>;
/** The body of a reply that says no more than that it was done. */
type Done = Record<string, never>;

/** A worker's state through a run, and what it does for each request of the coordinator. */
export class Session {
  readonly #peer: Peer;
  #engine: Engine | undefined;
  #links: Links = noLinks();
  #assignment: Assignment | undefined;
  readonly keeping: Keeping;
  /** Of the last training step, where they were asked for; by name, in PyTorch's layout. */
  #inputGradients = new Map<string, HostTensor>();

  constructor(peer: Peer) {
    this.#peer = peer;
    this.keeping = new Keeping(peer, () => this.#links);
  }

  async start({ engine }: RequestOf<'start'>): Promise<Body<'start'>> {
    this.#engine = await startEngine({ name: engine.name, threads: engine.threads });
    return { engine: this.#engine.name, device: deviceName(process.env['CUDA_VISIBLE_DEVICES']) };
  }

  async profile({ model, ...request }: RequestOf<'profile'>): Promise<Body<'profile'>> {
    const { cells, ...times } = await profileModel(this.#running, buildModel(model), {
      ...request,
      advance: () => this.#peer.pulse.advance(),
      signal: this.#peer.signal,
    });
    return { cells: [...cells], ...times };
  }

  async probe(request: RequestOf<'probe'>): Promise<Body<'probe'>> {
    const mailbox = this.#mailbox();
    try {
      return await probeLink(this.#running, mailbox, request);
    } finally {
      mailbox.dispose();
    }
  }

  /** Takes the place of the links that there were, and gives this worker the name that it has from now on. */
  async bind(request: RequestOf<'bind'>): Promise<Body<'bind'>> {
    closeLinks(this.#links);
    this.#peer.rename(request.own);
    const { station } = this.#peer;
    const inlets = await bindInlets(request, station);
    this.#links = { ...noLinks(), inlets };
    const outlets = await bindOutlets(request, station);
    this.#links = { inlets, outlets };
    return { endpoints: endpointsOf(inlets), calls: endpointsOf(outlets) };
  }

  async connect(request: RequestOf<'connect'>): Promise<Done> {
    const { inlets, outlets } = this.#links;
    this.#links = { inlets, outlets: new Map([...outlets, ...connectOutlets(request, this.#peer.station)]) };
    return {};
  }

  async configure(request: RequestOf<'configure'>): Promise<Body<'configure'>> {
    this.#unassign();
    this.#assignment = await assign(this.#running, request, this.keeping.vault);
    return { parameters: countParameters(this.#assignment.cells) };
  }

  async step(request: RequestOf<'step'>): Promise<Body<'step'>> {
    const record = new StepRecord();
    const engine = this.#running;
    engine.takePeak();
    const { routes, teacher, loss, classWeights, parameters, cells, buffersBefore } = this.#assigned;
    const network = request.teacher ? this.#taught : this.#assigned;
    const { stages } = network;
    const check = request.check ? new Finiteness(engine, network.parameters, stages) : undefined;
    check?.parameters();
    if (request.purpose === 'train') buffersBefore.begin(parameters);
    const schedule = parseSchedule(request.schedule);
    const first = firstWorker(this.#assigned);
    const index = numberOf(this.#peer.role) - first;
    const actions = messagesOf(schedule, routes)[index] ?? [];
    const mailbox = this.#mailbox();
    const peers = { worker: (k: number) => workerName(first + k), loader: LOADER, sink: SINK };
    const lastStage = schedule.placement.length - 1;
    const step = new PipelineStep({
      ...{ engine, mailbox, peers, stages, lastStage, loss, classWeights, request, record, teacher, check },
      takeInputGradient: (microBatch, gradient) => this.#keepInputGradient(microBatch, gradient),
    });
    const sentBefore = this.#bytesSent;
    const reduction = reductionOf(request, this.#assigned, {
      ...{ engine, links: this.#links, peer: this.#peer, record, index },
      actions: actions.map(({ action }) => action),
    });
    try {
      const spans = await walk(actions, step, {
        signal: this.#peer.signal,
        doing: (action) => this.#peer.doing(request.step, action),
        now: () => record.now(),
        done: (action) => reduction?.done(action),
      });
      await reduction?.finish();
      const { start, sent, received } = record;
      if (request.purpose === 'train') for (const cell of cells) endMiniBatch({ engine, parameters }, layersOf(cell));
      return {
        ...(step.loss === undefined ? {} : { loss: step.loss }),
        ...(request.norm ? { squaredNorm: parameters.squaredNorm() } : {}),
        ...(check?.first ? { found: check.first } : {}),
        ...{ start, spans, sent, received },
        ...(reduction ? { reduced: reduction.reduced } : {}),
        peakBytes: engine.takePeak(),
        bytesSent: this.#bytesSent - sentBefore,
        refused: refusedByProcess(),
        ...this.#memory(),
      };
    } finally {
      reduction?.dispose();
      step.dispose();
      mailbox.dispose();
    }
  }

  async apply({ rate, factor, decay }: RequestOf<'apply'>): Promise<Done> {
    const { parameters, optimizer, buffersBefore } = this.#assigned;
    if (factor !== 1) parameters.scaleGradients(factor);
    optimizer.step(parameters.trainable(), rate);
    parameters.clearGradients();
    buffersBefore.forget();
    if (decay !== undefined) this.#taught.follow(parameters, decay);
    return {};
  }

  async discard(): Promise<Done> {
    const { parameters, buffersBefore, teacher } = this.#assigned;
    parameters.clearGradients();
    teacher?.forget();
    buffersBefore.restore(parameters);
    return {};
  }

  /** The step waits for the copy alone: to hand it over or to write it goes on beside the next ones. */
  async snapshot({ step, keep }: RequestOf<'snapshot'>): Promise<Body<'snapshot'>> {
    const { parameters, optimizer, teacher } = this.#assigned;
    const state = copyState(this.#running, { parameters, optimizer, taught: teacher?.parameters });
    this.keeping.vault.put(step, state, keep);
    const bytes = [...state.values()].reduce((sum, { values }) => sum + values.byteLength, 0);
    return { keys: [...state.keys()], bytes };
  }

  async dump({ what, file }: RequestOf<'dump'>): Promise<Done> {
    const parameters = what === 'teacher' ? this.#taught.parameters : this.#assigned.parameters;
    const dump = what === 'gradients' ? dumpGradients : dumpParameters;
    const dumped = dump(this.#running, parameters);
    if (what === 'gradients') for (const [name, gradient] of this.#inputGradients) dumped.set(name, gradient);
    await writeSafetensors(file, dumped);
    return {};
  }

  #keepInputGradient(microBatch: number, gradient: Tensor): void {
    const values = this.#running.read(gradient) as Float32Array;
    this.#inputGradients.set(inputGradientName(microBatch), channelsFirst(values, gradient.shape));
    gradient.dispose();
  }

  async memory(): Promise<Body<'memory'>> {
    return this.#memory();
  }

  #memory(): Body<'memory'> {
    const { tensors, bytes } = this.#running.memory();
    return { tensors, bytes, peakResident: process.resourceUsage().maxRSS * 1024 };
  }

  #mailbox(): Mailbox {
    return new Mailbox({
      ...{ engine: this.#running, own: this.#peer.role, links: this.#links },
      ...{ signal: this.#peer.signal, pulse: this.#peer.pulse },
    });
  }

  get #running(): Engine {
    if (!this.#engine) throw new Error('the engine has not been started');
    return this.#engine;
  }

  get #assigned(): Assignment {
    if (!this.#assignment) throw new Error('this worker has not been given its stages');
    return this.#assignment;
  }

  get #taught(): Teacher {
    const { teacher } = this.#assigned;
    if (!teacher) throw new Error('this worker has no teacher: it was configured without one');
    return teacher;
  }

  get #bytesSent(): number {
    return [...this.#links.outlets.values()].reduce((sum, outlet) => sum + outlet.bytesSent, 0);
  }

  #unassign(): void {
    if (this.#assignment) disposeAssignment(this.#assignment);
    this.#assignment = undefined;
  }

  /** Lets go of its part in a pipeline: all but the engine, and the snapshots that another pipeline may begin with. */
  abandon(): void {
    closeLinks(this.#links);
    this.#links = noLinks();
    this.#unassign();
  }

  /** Returns what the engine holds all the same, for the log: nothing, unless something leaks. */
  dispose(): { readonly tensors?: number } {
    this.abandon();
    this.keeping.dispose();
    return this.#engine ? { tensors: this.#engine.memory().tensors } : {};
  }
}
