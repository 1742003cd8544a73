import { randomUUID } from 'node:crypto';
import type {
  BatchNormMode,
  EngineSpec,
  LossSpec,
  ModelSpec,
  OptimizerSpec,
  RecomputeMode,
} from '../config/runFile.ts';
import type { LaunchedWorker as ReportedWorker } from '../telemetry/trainEvent.ts';
import type { LoaderConfiguration } from '../data/loader/configuration.ts';
import type { Shape } from '../engine/tensor.ts';
import type { Model } from '../models/cell.ts';
import { buildModel } from '../models/index.ts';
import { balanceCells } from '../partition/balance.ts';
import { analyticCosts, costPerMicroBatch, type CellCost } from '../partition/cost.ts';
import { partitionOf, stageCosts, type Partition } from '../partition/partition.ts';
import { routesOf } from '../pipeline/routes.ts';
import type { ScheduleFamily, ScheduleName } from '../pipeline/schedules.ts';
import type { DataInlet } from '../transport/dataLink.ts';
import { LOADER, workerName } from '../transport/names.ts';
import type { ReplyTo, Source } from '../transport/protocol.ts';
import { keyOf, type TensorMessage } from '../transport/tensorMessage.ts';
import { measureCosts } from './costs.ts';
import { assignDevices, visibleGpus, type Device } from './devices.ts';
import { Fleet } from './fleet.ts';
import { Scheduler } from './scheduler.ts';
import { layWires, wiresOf } from './wiring.ts';

export interface PipelineOptions {
  readonly model: ModelSpec;
  readonly loss: LossSpec;
  readonly optimizer: OptimizerSpec;
  readonly seed: number;
  /** From 1 to the number of cells. */
  readonly workers: number;
  readonly balance?: readonly number[] | undefined;
  /** One of ours by name, or a user's own. */
  readonly schedule: ScheduleName | ScheduleFamily;
  readonly recompute: RecomputeMode;
  readonly batchNorm: BatchNormMode;
  readonly engine: EngineSpec;
  /** Parameters to begin with: a safetensors file, and what stands before each name in it. */
  readonly weights?: { readonly file: string; readonly prefix: string } | undefined;
  readonly loader: LoaderConfiguration;
  /** (batch, …spatial, channels) of one micro-batch: what the cells are timed with. */
  readonly microBatchShape: Shape;
  /** The most micro-batches that a step will have. */
  readonly microBatches: number;
  /** Whether the cut goes by measured times, or by an estimate (the same on every machine). */
  readonly costs: 'measured' | 'estimated';
  /** How long a process may be silent; see `FleetOptions`. */
  readonly heartbeatMilliseconds?: number;
  readonly signal: AbortSignal;
}

/** A worker as it was launched. */
export interface LaunchedWorker extends ReportedWorker {
  readonly parameters: number;
}

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
}

export interface StepResult {
  readonly loss: number;
  /** √Σ g² over all workers, where it was asked for. */
  readonly gradientNorm: number | undefined;
  readonly workers: readonly ReplyTo<'step'>[];
  /** The logits of every micro-batch, where they were asked for. */
  readonly outputs: readonly TensorMessage[];
}

/** A network cut over worker processes, ready to take steps. */
export class Pipeline {
  readonly partition: Partition;
  readonly workers: readonly LaunchedWorker[];
  readonly #fleet: Fleet;
  readonly #scheduler: Scheduler;
  readonly #sink: DataInlet;
  readonly #feeds = new Map<number, Promise<unknown>>();

  private constructor(
    fleet: Fleet,
    parts: { partition: Partition; workers: readonly LaunchedWorker[]; scheduler: Scheduler; sink: DataInlet },
  ) {
    this.#fleet = fleet;
    this.partition = parts.partition;
    this.workers = parts.workers;
    this.#scheduler = parts.scheduler;
    this.#sink = parts.sink;
  }

  /** Starts the processes, cuts the network, and gives every worker its stage. */
  static async launch(options: PipelineOptions): Promise<Pipeline> {
    const devices = assignDevices(options.workers, await visibleGpus(), options.engine);
    const fleet = await Fleet.launch({
      workers: options.workers,
      loader: { configuration: JSON.stringify(options.loader) },
      environment: (worker) => devices[worker]!.environment,
      heartbeatMilliseconds: options.heartbeatMilliseconds,
      signal: options.signal,
    });
    try {
      return await Pipeline.#setUp(options, fleet, devices);
    } catch (error) {
      const failure = fleet.failure ?? error;
      await fleet.close();
      throw failure;
    }
  }

  static async #setUp(options: PipelineOptions, fleet: Fleet, devices: readonly Device[]): Promise<Pipeline> {
    const model = buildModel(options.model);
    const started = await fleet.requestAll('start', (worker) => ({
      engine: { ...options.engine, threads: devices[worker]!.threads },
    }));
    const costs = await costsOf(options, model, fleet, started[0]!, devices[0]!);
    const partition = options.balance
      ? partitionOf(options.balance, model.cells.length)
      : balanceCells(costs.map(costPerMicroBatch), options.workers);
    const placement = partition.stages.map((_, stage) => stage);
    for (const [stage, worker] of placement.entries()) fleet.assign(workerName(worker), [stage]);
    const routes = routesOf(model.cells, partition);
    const { microBatches, workers } = options;
    const scheduler = new Scheduler({ training: options.schedule, placement, routes, microBatches });
    const wires = wiresOf(scheduler.schedule('train', microBatches).schedule, routes);
    const sink = await layWires(fleet, wires, { run: randomUUID(), highWaterMark: scheduler.highWaterMark, workers });
    try {
      const configured = await configure(options, fleet, partition, placement);
      const shares = sharesOf(partition, costs);
      const launched = partition.stages.map(({ start, end }, worker) => ({
        worker,
        pid: fleet.pid(workerName(worker)),
        device: started[worker]!.device,
        cells: [model.cells[start]!.name, model.cells[end - 1]!.name] as const,
        share: shares[worker]!,
        parameters: configured[worker]!.parameters,
      }));
      return new Pipeline(fleet, { partition, workers: launched, scheduler, sink });
    } catch (error) {
      sink.close();
      throw error;
    }
  }

  /**
   * One mini-batch forward and backward; the gradients wait at the workers for `apply`. Where the next step is known, the
   * loader makes its mini-batch meanwhile.
   */
  async train(request: TrainRequest, next?: TrainRequest): Promise<StepResult> {
    void this.#feed(request, 'train');
    if (next) void this.#feed(next, 'train');
    const [replies, outputs] = await this.#run(request, 'train', {
      draws: [...request.draws],
      norm: request.norm,
      output: request.logits ? 'logits' : 'none',
    });
    const squares = replies.map(({ squaredNorm }) => squaredNorm ?? 0);
    return {
      loss: replies.reduce((sum, { loss }) => sum + (loss ?? 0), 0),
      gradientNorm: request.norm ? Math.sqrt(squares.reduce((sum, square) => sum + square, 0)) : undefined,
      workers: replies,
      outputs,
    };
  }

  /** Updates every worker's parameters from its gradients times `factor`, and forgets the gradients. */
  async apply(rate: number, factor = 1): Promise<void> {
    await this.#fleet.requestAll('apply', () => ({ rate, factor }));
  }

  /** A forward pass in evaluation mode: logits, or the most likely class of every voxel, of every micro-batch. */
  async evaluate(request: StepRequest, output: 'logits' | 'labels'): Promise<readonly TensorMessage[]> {
    const [, outputs] = await this.#run(request, 'evaluate', { draws: [], norm: false, output });
    return outputs;
  }

  /** Has every worker write its part; returns the files. */
  async dump(what: 'parameters' | 'gradients', file: (worker: number) => string): Promise<readonly string[]> {
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
    order: { draws: string[]; norm: boolean; output: 'none' | 'logits' | 'labels' },
  ): Promise<[readonly ReplyTo<'step'>[], readonly TensorMessage[]]> {
    const { step } = request;
    const microBatches = [...request.microBatches];
    const { schedule, text } = this.#scheduler.schedule(purpose, microBatches.length);
    const lastStage = schedule.placement.length - 1;
    const feed = this.#feed(request, purpose);
    const steps = this.#fleet.requestAll('step', () => ({ step, purpose, schedule: text, microBatches, ...order }));
    const outputs = order.output === 'none' ? [] : this.#receive(step, lastStage, microBatches.length);
    try {
      const [replies, received] = await Promise.all([steps, outputs, feed]);
      return [replies, received];
    } catch (error) {
      // A wait on the data plane ends because the run failed: that failure is the one to tell.
      throw this.#fleet.failure ?? error;
    } finally {
      this.#feeds.delete(step);
    }
  }

  /** Has the loader make and send a step's mini-batch, once. */
  #feed({ step, source, microBatches }: StepRequest, purpose: 'train' | 'evaluate'): Promise<unknown> {
    const asked = this.#feeds.get(step);
    if (asked) return asked;
    const { placement } = this.#scheduler.schedule(purpose, microBatches.length).schedule;
    const stage = placement.length - 1;
    const feed = this.#fleet.request(LOADER, 'feed', {
      step,
      source,
      microBatches: [...microBatches],
      imagesTo: workerName(placement[0]!),
      ...(purpose === 'train' ? { labelsTo: { peer: workerName(placement[stage]!), stage } } : {}),
    });
    // Asked for ahead: whoever takes the step hears of a failure.
    feed.catch(() => {});
    this.#feeds.set(step, feed);
    return feed;
  }

  async #receive(step: number, stage: number, microBatches: number): Promise<TensorMessage[]> {
    const messages: TensorMessage[] = [];
    for (let microBatch = 0; microBatch < microBatches; microBatch++) {
      messages.push(await this.#sink.receive(keyOf({ kind: 'output', step, stage, microBatch }), this.#fleet.ended));
    }
    return messages;
  }

  /** Whether a process of the run has failed: then nothing more can be asked of it. */
  get failed(): boolean {
    return this.#fleet.failure !== undefined;
  }

  /** Ends every process. */
  async close(): Promise<void> {
    this.#sink.close();
    await this.#fleet.close();
  }
}

async function costsOf(
  options: PipelineOptions,
  model: Model,
  fleet: Fleet,
  started: ReplyTo<'start'>,
  { threads }: Device,
): Promise<readonly CellCost[]> {
  const shape = options.microBatchShape;
  if (options.costs === 'estimated' || options.workers === 1 || options.balance) return analyticCosts(model, shape);
  const { device, engine } = started;
  return measureCosts(fleet, { spec: options.model, model, shape, engine, device, threads });
}

function configure(
  options: PipelineOptions,
  fleet: Fleet,
  { stages }: Partition,
  placement: readonly number[],
): Promise<ReplyTo<'configure'>[]> {
  const { model, recompute, batchNorm, optimizer, loss, seed, weights } = options;
  return fleet.requestAll('configure', (worker) => ({
    ...{ model, recompute, batchNorm, optimizer, loss, seed },
    stages: [...stages],
    own: placement.flatMap((owner, stage) => (owner === worker ? [stage] : [])),
    ...(weights ? { weights } : {}),
  }));
}

function sharesOf(partition: Partition, costs: readonly CellCost[]): number[] {
  const perStage = stageCosts(partition, costs.map(costPerMicroBatch));
  const total = perStage.reduce((sum, cost) => sum + cost, 0);
  return perStage.map((cost) => (total > 0 ? cost / total : 1 / perStage.length));
}
