import { isDeepStrictEqual } from 'node:util';
import type { Partition } from '../partition/partition.ts';
import type { DataInlet } from '../transport/dataLink.ts';
import type { FoundNotFinite, ReplyTo, RequestOf, Source } from '../transport/protocol.ts';
import { keyOf, type TensorMessage } from '../transport/tensorMessage.ts';
import { firstOf } from '../worker/finiteness.ts';
import { assemble, type Assembly, type LaunchedWorker } from './assemble.ts';
import { clockOffsets } from './clocks.ts';
import { Crew } from './crew.ts';
import { Feeder } from './feeder.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { Layout } from './layout.ts';
import { loadingSeconds } from './loading.ts';
import type { PipelineOptions } from './pipelineOptions.ts';
import type { Scheduler } from './scheduler.ts';
import type { StepRecording } from './stepTrace.ts';

export interface StepRequest {
  readonly step: number;
  readonly source: Source;
  /** Samples of every micro-batch. */
  readonly microBatches: readonly number[];
}

export interface TrainRequest extends StepRequest {
  /** What names the random draws of every sample. */
  readonly draws: readonly string[];
  /** Whether the logits of the forward pass are sent back, for comparison. */
  readonly logits?: boolean;
  /** Whether the norm of the gradients is wanted. */
  readonly norm: boolean;
  /** Where a teacher has seen the mini-batch before (`teach`): the noise of the student's images, and how far it is held to it. */
  readonly ensembling?: EnsemblingStep;
}

/** The student's part of a self-ensembling step. */
export interface EnsemblingStep {
  /** Standard deviation of what is added to the images. */
  readonly noise: number;
  readonly consistency: { readonly weight: number; readonly otherwise: number };
}

/** The teacher's passes have numbers of their own on the data plane, beyond those of all others; and so have those that search. */
const TEACHER_STEPS = 2 ** 40;
const SEARCH_STEPS = 2 ** 41;

/** Where a value came up that is NaN or infinite, and whether that was in the teacher's pass. */
export type FoundPlace = FoundNotFinite & { readonly teacher?: true };

export interface StepResult {
  readonly loss: number;
  /** √Σ g² over all workers, where it was asked for. */
  readonly gradientNorm: number | undefined;
  readonly workers: readonly ReplyTo<'step'>[];
  /** What happened when. */
  readonly recording: StepRecording;
  /** The logits of every micro-batch, where they were asked for. */
  readonly outputs: readonly TensorMessage[];
  /** Seconds for which the first stage waited for images. */
  readonly loading: number;
}

/** A network cut over worker processes, ready to take steps. */
export class Pipeline {
  /** What was settled: partition, placement, schedule, micro-batches, recomputation; and what is predicted of a step. */
  readonly layout: Layout;
  readonly workers: readonly LaunchedWorker[];
  readonly #fleet: Fleet;
  readonly #scheduler: Scheduler;
  readonly #sink: DataInlet;
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
    { fleet, layout, workers, scheduler, sink }: Assembly,
    clocks: readonly number[],
    note: PipelineOptions['note'],
  ) {
    this.#fleet = fleet;
    this.layout = layout;
    this.workers = workers;
    this.#scheduler = scheduler;
    this.#sink = sink;
    this.#clocks = clocks;
    this.#feeder = new Feeder(fleet, scheduler, note);
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
      assembly.sink.close();
      throw crew.fleet.failure ?? error;
    }
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
    void this.#feeder.feed(request, 'train', this.#ahead);
    this.#later = next ? this.#ahead.slice(1) : this.#ahead;
    if (next) void this.#feeder.feed(next, 'train', this.#later);
    const [replies, outputs] = await this.#run(request, 'train', {
      draws: [...request.draws],
      norm: request.norm,
      output: request.logits ? 'logits' : 'none',
      ...request.ensembling,
    });
    const squares = replies.map(({ squaredNorm }) => squaredNorm ?? 0);
    return {
      loss: replies.reduce((sum, { loss }) => sum + (loss ?? 0), 0),
      gradientNorm: request.norm ? Math.sqrt(squares.reduce((sum, square) => sum + square, 0)) : undefined,
      workers: replies,
      recording: this.#recording(request.microBatches.length, replies),
      outputs,
      loading: loadingSeconds(replies),
    };
  }

  /** Has the teacher look at a mini-batch, with noise of its own: the last stage keeps what it makes of it for the step that follows. */
  async teach({ step, source, microBatches, draws }: TrainRequest, noise: number): Promise<void> {
    const request = { step: TEACHER_STEPS + step, source, microBatches };
    // The student is given the same mini-batch: it is made once.
    void this.#feeder.feed(request, 'evaluate', [
      source,
      ...this.#ahead.filter((later) => !isDeepStrictEqual(later, source)),
    ]);
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
    void this.#feeder.feed(request, purpose, order.teacher ? [source, ...this.#later] : this.#later);
    const [replies] = await this.#run(request, purpose, {
      ...{ draws: [...draws], norm: false, check: true, output: order.teacher ? 'kept' : 'none' },
      ...order,
    });
    return firstOf(replies.flatMap(({ found }) => found ?? []));
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

  /** Has every worker write its part; returns the files. */
  async dump(what: RequestOf<'dump'>['what'], file: (worker: number) => string): Promise<readonly string[]> {
    await this.#fleet.requestAll('dump', (worker) => ({ what, file: file(worker) }));
    return this.workers.map(({ worker }) => file(worker));
  }

  /** Live tensors and peak memory of every worker. */
  async memory(): Promise<readonly ReplyTo<'memory'>[]> {
    return this.#fleet.requestAll('memory', () => ({}));
  }

  async #run(
    request: StepRequest,
    purpose: 'train' | 'evaluate',
    order: Omit<RequestOf<'step'>, 'kind' | 'id' | 'step' | 'purpose' | 'schedule' | 'microBatches'>,
    take?: (message: TensorMessage) => Promise<void>,
  ): Promise<[readonly ReplyTo<'step'>[], readonly TensorMessage[]]> {
    const { step } = request;
    const microBatches = [...request.microBatches];
    const { schedule, text } = this.#scheduler.schedule(purpose, microBatches.length);
    const lastStage = schedule.placement.length - 1;
    const feed = this.#feeder.feed(request, purpose);
    const steps = this.#fleet.requestAll('step', () => ({ step, purpose, schedule: text, microBatches, ...order }));
    const outputs =
      order.output === 'none' || order.output === 'kept'
        ? []
        : this.#receive(step, lastStage, microBatches.length, take);
    try {
      const [replies, received] = await Promise.all([steps, outputs, feed]);
      return [replies, received];
    } catch (error) {
      // A wait on the data plane ends because the run failed: that failure is the one to tell.
      throw this.#fleet.failure ?? error;
    } finally {
      this.#feeder.forget(step);
    }
  }

  #recording(microBatches: number, replies: readonly ReplyTo<'step'>[]): StepRecording {
    const { schedule } = this.#scheduler.schedule('train', microBatches);
    const began = replies.map(({ start }, worker) => start - (this.#clocks[worker] ?? 0));
    const begin = Math.min(...began);
    return {
      begin,
      record: {
        ...{ schedule, routes: this.#scheduler.routes },
        starts: began.map((start) => start - begin),
        spans: replies.map(({ spans }) => spans),
        sent: replies.map(({ sent }) => sent),
        received: replies.map(({ received }) => received),
      },
    };
  }

  /** Files of training cases that the loader found to be of no use, and goes on without. */
  get skipped(): readonly string[] {
    return this.#feeder.skipped;
  }

  async #receive(
    step: number,
    stage: number,
    microBatches: number,
    take?: (message: TensorMessage) => Promise<void>,
  ): Promise<TensorMessage[]> {
    const messages: TensorMessage[] = [];
    for (let microBatch = 0; microBatch < microBatches; microBatch++) {
      const key = keyOf({ kind: 'output', step, stage, microBatch });
      const message = await this.#sink.receive(key, this.#fleet.ended);
      if (take) await take(message);
      else messages.push(message);
    }
    return messages;
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
    this.#sink.close();
  }

  /** Ends every process. */
  async close(): Promise<void> {
    this.release();
    await this.#fleet.close();
  }
}
