import { isDeepStrictEqual } from 'node:util';
import type { Partition } from '../partition/partition.ts';
import type { DataInlet } from '../transport/dataLink.ts';
import { workerName } from '../transport/names.ts';
import type { FoundNotFinite, ReplyTo, RequestOf, Source } from '../transport/protocol.ts';
import type { TensorMessage } from '../transport/tensorMessage.ts';
import { firstOf } from '../worker/finiteness.ts';
import { assemble, type Assembly, type LaunchedWorker } from './assemble.ts';
import { clockOffsets } from './clocks.ts';
import { Crew } from './crew.ts';
import { Feeder } from './feeder.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { Layout } from './layout.ts';
import { loadingSeconds } from './loading.ts';
import type { PipelineOptions } from './pipelineOptions.ts';
import { countedFrom, receiveOutputs, recordingOf, shareFacts, sumOf } from './replicaSteps.ts';
import { sharesOf, type Shape } from './replicas.ts';
import type { Scheduler } from './scheduler.ts';
import type { FoundPlace, StepRequest, StepResult, TrainRequest } from './stepRequest.ts';

/** What a step is asked for beside its mini-batch; `gathers` as in `TrainRequest`. */
type StepOrder = Omit<
  RequestOf<'step'>,
  'kind' | 'id' | 'step' | 'purpose' | 'schedule' | 'microBatches' | 'shared'
> & { readonly gathers?: boolean };

/** The teacher's passes have numbers of their own on the data plane, beyond those of all others; and so have those that search. */
const TEACHER_STEPS = 2 ** 40;
const SEARCH_STEPS = 2 ** 41;

/** A network cut over worker processes, ready to take steps. */
export class Pipeline {
  /** What was settled: partition, placement, schedule, micro-batches, recomputation; and what is predicted of a step. */
  readonly layout: Layout;
  readonly workers: readonly LaunchedWorker[];
  readonly #fleet: Fleet;
  readonly #scheduler: Scheduler;
  readonly #sinks: readonly DataInlet[];
  readonly #replicas: number;
  /** How far each worker's clock is ahead of this process's, in milliseconds. */
  readonly #clocks: readonly number[];
  readonly #feeder: Feeder;
  /** The last training step: its gradients are what `apply` updates from. */
  #trained = 0;
  /** What is trained on after the last step, as far as it was said. */
  #ahead: readonly Source[] = [];
  /** Of that, what the loader has not been asked to send. */
  #later: readonly Source[] = [];

  private constructor(
    { fleet, layout, workers, scheduler, sinks, replicas }: Assembly,
    clocks: readonly number[],
    note: PipelineOptions['note'],
  ) {
    this.#fleet = fleet;
    this.layout = layout;
    this.workers = workers;
    this.#scheduler = scheduler;
    this.#sinks = sinks;
    this.#replicas = replicas;
    this.#clocks = clocks;
    this.#feeder = new Feeder(fleet, { placement: layout.placement, workers: workers.length / replicas, note });
  }

  /** Starts the processes, cuts the network, and gives every worker its stages. `close` ends the processes. */
  static async launch(options: PipelineOptions): Promise<Pipeline> {
    const crew = await Crew.launch(options);
    try {
      return await Pipeline.over(crew, options);
    } catch (error) {
      await crew.close();
      throw error;
    }
  }

  /** The same over processes that have been started, whose owner ends them. */
  static async over(crew: Crew, options: PipelineOptions): Promise<Pipeline> {
    const assembly = await assemble(options, crew);
    try {
      return new Pipeline(assembly, await clockOffsets(crew.fleet, crew.workers), options.note);
    } catch (error) {
      for (const sink of assembly.sinks) sink.close();
      throw crew.fleet.failure ?? error;
    }
  }

  get shape(): Shape {
    return { replicas: this.#replicas, workers: this.workers.length / this.#replicas };
  }

  get partition(): Partition {
    return this.layout.partition;
  }

  /** The worker of every stage. */
  get placement(): readonly number[] {
    return this.layout.placement;
  }

  /**
   * One mini-batch forward and backward; the gradients wait at the workers for `apply`.
   *
   * @param next the step that follows with nothing between: its mini-batch is sent as soon as it is made
   * @param ahead what is trained on after `request`, in order, whatever comes between: the loader makes it meanwhile
   */
  async train(
    request: TrainRequest,
    next?: TrainRequest,
    ahead: readonly Pick<TrainRequest, 'source'>[] = next ? [next] : [],
  ): Promise<StepResult> {
    this.#trained = request.step;
    this.#ahead = ahead.map(({ source }) => source);
    void this.#feed(request, 'train', this.#ahead);
    this.#later = next ? this.#ahead.slice(1) : this.#ahead;
    if (next) void this.#feed(next, 'train', this.#later);
    const [replies, outputs] = await this.#run(request, 'train', {
      draws: [...request.draws],
      norm: request.norm,
      output: request.logits ? 'logits' : 'none',
      gathers: request.gathers ?? false,
      ...request.ensembling,
    });
    // Replicas hold the same gradients: one of them counts.
    const squares = replies.slice(0, replies.length / this.#replicas).map(({ squaredNorm }) => squaredNorm ?? 0);
    return {
      loss: replies.reduce((sum, { loss }) => sum + (loss ?? 0), 0),
      gradientNorm: request.norm ? Math.sqrt(squares.reduce((sum, square) => sum + square, 0)) : undefined,
      workers: replies,
      recording: recordingOf(this.#byReplica(replies), {
        ...{ scheduler: this.#scheduler, clocks: this.#byReplica(this.#clocks) },
        shares: sharesOf(request.microBatches, this.#replicas),
      }),
      outputs,
      loading: Math.max(...this.#byReplica(replies).map(loadingSeconds)),
    };
  }

  /** Has the teacher look at a mini-batch, with noise of its own: the last stage keeps what it makes of it for the step that follows. */
  async teach({ step, source, microBatches, draws }: TrainRequest, noise: number): Promise<void> {
    const request = { step: TEACHER_STEPS + step, source, microBatches };
    // The student is given the same mini-batch: it is made once.
    const ahead = [source, ...this.#ahead.filter((later) => !isDeepStrictEqual(later, source))];
    void this.#feed(request, 'evaluate', ahead, this.#replicas);
    await this.#run(request, 'evaluate', { draws: [...draws], norm: false, output: 'kept', teacher: true, noise });
  }

  /**
   * Updates every worker's parameters from its gradients times `factor`, and forgets the gradients; where a decay is given, the
   * teacher follows by it.
   */
  async apply(rate: number, factor = 1, decay?: number): Promise<void> {
    const step = this.#trained;
    await this.#fleet.requestAll('apply', () => ({ step, rate, factor, ...(decay === undefined ? {} : { decay }) }));
  }

  /** Has every worker forget the gradients of the steps since the last update, and what those steps did to running statistics. */
  async discard(): Promise<void> {
    await this.#fleet.requestAll('discard', () => ({}));
  }

  /**
   * Takes the last step again and finds where in it a value first is NaN or infinite, if one is. Nothing of it is kept, nor of the
   * steps since the last update.
   */
  async locate(request: TrainRequest): Promise<FoundPlace | undefined> {
    await this.discard();
    const { ensembling } = request;
    const inTeacher =
      ensembling && (await this.#search(request, 'evaluate', { teacher: true, noise: ensembling.noise }));
    const found = inTeacher
      ? { ...inTeacher, teacher: true as const }
      : await this.#search(request, 'train', { ...ensembling });
    await this.discard();
    return found;
  }

  async #search(
    { step, source, microBatches, draws }: TrainRequest,
    purpose: 'train' | 'evaluate',
    order: Pick<RequestOf<'step'>, 'teacher' | 'noise' | 'consistency'>,
  ): Promise<FoundNotFinite | undefined> {
    const request = { step: SEARCH_STEPS + (order.teacher ? TEACHER_STEPS : 0) + step, source, microBatches };
    // Where the teacher looks first, the student is given the same mini-batch: it is made once.
    void this.#feed(request, purpose, order.teacher ? [source, ...this.#later] : this.#later, this.#replicas);
    const [replies] = await this.#run(request, purpose, {
      ...{ draws: [...draws], norm: false, gathers: true, check: true, output: order.teacher ? 'kept' : 'none' },
      ...order,
    });
    const shares = sharesOf(microBatches, this.#replicas);
    const found = this.#byReplica(replies).flatMap((own, replica) => {
      const before = shares.slice(0, replica).flat().length;
      return own.flatMap((reply) => (reply.found ? [countedFrom(before, reply.found)] : []));
    });
    return firstOf(found);
  }

  /** A forward pass in evaluation mode, by the network or by its teacher: logits, or the most likely class of every voxel, of every micro-batch. */
  async evaluate(
    request: StepRequest,
    output: 'logits' | 'labels',
    teacher = false,
  ): Promise<readonly TensorMessage[]> {
    const [, outputs] = await this.#run(request, 'evaluate', { draws: [], norm: false, output, teacher });
    return outputs;
  }

  /** As `evaluate`, for outputs that together would be too much to hold: each is handed over as it comes, in order. */
  async stream(
    request: StepRequest,
    output: 'logits' | 'labels',
    take: (message: TensorMessage) => Promise<void>,
  ): Promise<void> {
    await this.#run(request, 'evaluate', { draws: [], norm: false, output }, take);
  }

  /** Has every worker write its part, those of one replica where there are several; returns the files. */
  async dump(what: RequestOf<'dump'>['what'], file: (worker: number) => string): Promise<readonly string[]> {
    const files = this.workers.flatMap(({ worker, replica = 0 }) => (replica === 0 ? [file(worker)] : []));
    const written = files.map((path, worker) => this.#fleet.request(workerName(worker), 'dump', { what, file: path }));
    await Promise.all(written);
    return files;
  }

  /** Live tensors and peak memory of every worker. */
  async memory(): Promise<readonly ReplyTo<'memory'>[]> {
    return this.#fleet.requestAll('memory', () => ({}));
  }

  /** Training and the teacher's passes are shared by the replicas; what else is evaluated goes through one. */
  async #run(
    request: StepRequest,
    purpose: 'train' | 'evaluate',
    { draws, gathers = false, ...order }: StepOrder,
    take?: (message: TensorMessage) => Promise<void>,
  ): Promise<[readonly ReplyTo<'step'>[], readonly TensorMessage[]]> {
    const { step } = request;
    const shares = sharesOf(request.microBatches, this.#sharing(purpose, order.teacher && order.output === 'kept'));
    const feed = this.#feed(request, purpose, [], shares.length);
    const shared = shares.length > 1 ? { shared: shareFacts(shares, !gathers) } : {};
    const steps = shares.flatMap((microBatches, replica) => {
      const { text } = this.#scheduler.schedule(purpose, microBatches.length);
      const before = sumOf(shares.slice(0, replica).flat());
      const own = draws.slice(before, before + sumOf(microBatches));
      const body = { step, purpose, schedule: text, microBatches, draws: own, ...shared, ...order };
      return this.#workersOf(replica).map((worker) => this.#fleet.request(workerName(worker), 'step', body));
    });
    const outputs =
      order.output === 'none' || order.output === 'kept'
        ? []
        : receiveOutputs(
            this.#sinks,
            { step, stage: this.layout.placement.length - 1, shares },
            this.#fleet.ended,
            take,
          );
    try {
      const [replies, received] = await Promise.all([Promise.all(steps), outputs, feed]);
      return [replies, received];
    } catch (error) {
      // A wait on the data plane ends because the run failed: that failure is the one to tell.
      throw this.#fleet.failure ?? error;
    } finally {
      this.#feeder.forget(step);
    }
  }

  #sharing(purpose: 'train' | 'evaluate', kept = false): number {
    return purpose === 'train' || kept ? this.#replicas : 1;
  }

  get #workersOfEach(): number {
    return this.workers.length / this.#replicas;
  }

  #workersOf(replica: number): number[] {
    return Array.from({ length: this.#workersOfEach }, (_, k) => replica * this.#workersOfEach + k);
  }

  #byReplica<T>(replies: readonly T[]): T[][] {
    return Array.from({ length: this.#replicas }, (_, replica) =>
      this.#workersOf(replica).map((worker) => replies[worker]!),
    );
  }

  /** Files of training cases that the loader found to be of no use, and goes on without. */
  get skipped(): readonly string[] {
    return this.#feeder.skipped;
  }

  #feed(
    request: StepRequest,
    purpose: 'train' | 'evaluate',
    ahead: readonly Source[] = [],
    replicas = this.#sharing(purpose),
  ): Promise<unknown> {
    return this.#feeder.feed(request, { labels: purpose === 'train', ahead, replicas });
  }

  /** Of all processes of the run. */
  get pids(): readonly number[] {
    return this.#fleet.pids;
  }

  /** Whether a process of the run has failed: then nothing more can be asked of it. */
  get failed(): boolean {
    return this.#fleet.failure !== undefined;
  }

  /** Waits for nothing more. */
  release(): void {
    for (const sink of this.#sinks) sink.close();
  }

  /** Ends every process. */
  async close(): Promise<void> {
    this.release();
    await this.#fleet.close();
  }
}
