import { dumpGradients, dumpParameters, loadParameters } from '../checkpoint/parameters.ts';
import { channelsFirst } from '../checkpoint/pytorchLayout.ts';
import { SafetensorsFile, writeSafetensors, type HostTensor } from '../checkpoint/safetensors.ts';
import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import { startEngine } from '../engine/index.ts';
import { ParameterStore } from '../layers/parameterStore.ts';
import { endMiniBatch } from '../layers/sequence.ts';
import { lossFromSpec } from '../losses/index.ts';
import type { Loss } from '../losses/loss.ts';
import { layersOf, type Cell, type Model } from '../models/cell.ts';
import { buildModel } from '../models/index.ts';
import { countParameters, parameterSpecs } from '../models/describe.ts';
import { initializeParameters } from '../models/initialize.ts';
import { optimizerFromSpec } from '../optimizers/index.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import { messagesOf } from '../pipeline/messages.ts';
import { routesOf, type Routes } from '../pipeline/routes.ts';
import { parseSchedule } from '../pipeline/scheduleText.ts';
import { inputGradientName, LOADER, SINK, workerName } from '../transport/names.ts';
import type { Peer } from '../transport/peer.ts';
import type { ReplyTo, Request, RequestOf } from '../transport/protocol.ts';
import { bindInlets, closeLinks, connectOutlets, noLinks, type Links } from '../transport/links.ts';
import { deviceName } from './device.ts';
import { Mailbox } from './mailbox.ts';
import { PipelineStep } from './pipelineStep.ts';
import { probeLink } from './probe.ts';
import { profileModel } from './profile.ts';
import { Stage } from './stage.ts';
import { StepRecord } from './stepRecord.ts';
import { Teacher } from './teacher.ts';
import { walk } from './walk.ts';

type Body<K extends Request['kind']> = Omit<ReplyTo<K>, 'kind' | 'id'>;
/** The body of a reply that says no more than that it was done. */
type Done = Record<string, never>;

/** What a worker has once it knows its part of the network. */
interface Assignment {
  readonly model: Model;
  readonly cells: readonly Cell[];
  readonly routes: Routes;
  readonly parameters: ParameterStore;
  readonly stages: ReadonlyMap<number, Stage>;
  readonly teacher: Teacher | undefined;
  readonly optimizer: Optimizer;
  readonly loss: Loss;
  readonly classWeights: readonly number[] | undefined;
}

/** A worker's state through a run, and what it does for each request of the coordinator. */
export class Session {
  readonly #peer: Peer;
  #engine: Engine | undefined;
  #links: Links = noLinks();
  #assignment: Assignment | undefined;
  /** Of the last training step, where they were asked for; by name, in PyTorch's layout. */
  #inputGradients = new Map<string, HostTensor>();

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  async start({ engine }: RequestOf<'start'>): Promise<Body<'start'>> {
    this.#engine = await startEngine({ name: engine.name, threads: engine.threads });
    return { engine: this.#engine.name, device: deviceName(process.env['CUDA_VISIBLE_DEVICES']) };
  }

  async profile({ model, ...request }: RequestOf<'profile'>): Promise<Body<'profile'>> {
    const { cells, ...times } = await profileModel(this.#running, buildModel(model), {
      ...request,
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

  /** Takes the place of the links that there were. */
  async bind(request: RequestOf<'bind'>): Promise<Body<'bind'>> {
    closeLinks(this.#links);
    const inlets = await bindInlets(request);
    this.#links = { ...noLinks(), inlets };
    return { endpoints: Object.fromEntries([...inlets].map(([from, inlet]) => [from, inlet.endpoint])) };
  }

  async connect(request: RequestOf<'connect'>): Promise<Done> {
    this.#links = { ...this.#links, outlets: connectOutlets(request) };
    return {};
  }

  async configure(request: RequestOf<'configure'>): Promise<Body<'configure'>> {
    const engine = this.#running;
    const model = buildModel(request.model);
    const cellsOf = (stage: number): readonly Cell[] =>
      model.cells.slice(request.stages[stage]!.start, request.stages[stage]!.end);
    const cells = request.own.flatMap(cellsOf);
    const parameters = new ParameterStore(engine);
    await fill(engine, parameters, cells, request);
    const stagesWith = (store: ParameterStore): ReadonlyMap<number, Stage> =>
      new Map(
        request.own.map((stage) => {
          const { recompute, batchNorm } = request;
          const options = { engine, parameters: store, recompute, batchNorm };
          return [
            stage,
            new Stage({ ...options, cells: cellsOf(stage), first: stage === 0 && !request.inputGradient }),
          ];
        }),
      );
    const stages = stagesWith(parameters);
    const teacher = request.teacher ? new Teacher(engine, parameters, stagesWith) : undefined;
    const optimizer = optimizerFromSpec(engine, request.optimizer);
    const loss = lossFromSpec(request.loss, model.outChannels);
    const routes = routesOf(model.cells, { stages: request.stages }, request.threaded);
    const classWeights = request.loss.name === 'given_gradient' ? undefined : request.loss.class_weights;
    this.#assignment = { model, cells, routes, parameters, stages, teacher, optimizer, loss, classWeights };
    return { parameters: countParameters(cells) };
  }

  async step(request: RequestOf<'step'>): Promise<Body<'step'>> {
    const record = new StepRecord();
    const engine = this.#running;
    engine.takePeak();
    const { routes, stages, teacher, loss, classWeights, parameters, cells } = this.#assigned;
    const schedule = parseSchedule(request.schedule);
    const actions = messagesOf(schedule, routes)[this.#index] ?? [];
    const mailbox = this.#mailbox();
    const peers = { worker: workerName, loader: LOADER, sink: SINK };
    const lastStage = schedule.placement.length - 1;
    const step = new PipelineStep({
      ...{ engine, mailbox, peers, lastStage, loss, classWeights, request, record, teacher },
      stages: request.teacher ? this.#taught.stages : stages,
      takeInputGradient: (microBatch, gradient) => this.#keepInputGradient(microBatch, gradient),
    });
    const sentBefore = this.#bytesSent;
    try {
      const spans = await walk(actions, step, {
        signal: this.#peer.signal,
        doing: (action) => this.#peer.doing(request.step, action),
        now: () => record.now(),
      });
      const { start, sent, received } = record;
      if (request.purpose === 'train') for (const cell of cells) endMiniBatch({ engine, parameters }, layersOf(cell));
      return {
        ...(step.loss === undefined ? {} : { loss: step.loss }),
        ...(request.norm ? { squaredNorm: parameters.squaredNorm() } : {}),
        ...{ start, spans, sent, received },
        peakBytes: engine.takePeak(),
        bytesSent: this.#bytesSent - sentBefore,
        ...this.#memory(),
      };
    } finally {
      step.dispose();
      mailbox.dispose();
    }
  }

  async apply({ rate, factor, decay }: RequestOf<'apply'>): Promise<Done> {
    const { parameters, optimizer } = this.#assigned;
    if (factor !== 1) parameters.scaleGradients(factor);
    optimizer.step(parameters.trainable(), rate);
    parameters.clearGradients();
    if (decay !== undefined) this.#taught.follow(parameters, decay);
    return {};
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
      ...{ engine: this.#running, own: this.#peer.name },
      ...{ links: this.#links, signal: this.#peer.signal },
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

  get #index(): number {
    return Number(this.#peer.name.replace(/\D/g, ''));
  }

  get #bytesSent(): number {
    return [...this.#links.outlets.values()].reduce((sum, outlet) => sum + outlet.bytesSent, 0);
  }

  dispose(): void {
    closeLinks(this.#links);
    if (!this.#assignment) return;
    for (const stage of this.#assignment.stages.values()) stage.dispose();
    this.#assignment.teacher?.dispose();
    this.#assignment.optimizer.dispose();
    this.#assignment.parameters.dispose();
  }
}

/** Gives the cells' parameters their values: from the weights file, or drawn by name. */
async function fill(
  engine: Engine,
  parameters: ParameterStore,
  cells: readonly Cell[],
  { weights, seed, model }: RequestOf<'configure'>,
): Promise<void> {
  const specs = parameterSpecs(cells);
  if (!weights) {
    initializeParameters(engine, parameters, specs, seed);
    return;
  }
  const file = await SafetensorsFile.open(weights.file);
  try {
    await loadParameters(engine, parameters, specs, file, weights.prefix, parameterSpecs(buildModel(model).cells));
  } finally {
    await file.close();
  }
}
