import type { BatchNormMode, EngineSpec, OptimizerSpec, RecomputeMode, SkipWay } from '../config/runFile.ts';
import type { NetworkLossSpec, NetworkSpec } from '../config/schema/network.ts';
import type { LoaderConfiguration } from '../data/loader/configuration.ts';
import type { Shape } from '../engine/tensor.ts';
import type { ScheduleFamily } from '../pipeline/schedules.ts';
import type { Log } from '../telemetry/log/log.ts';
import type { Beginning } from '../transport/protocol.ts';
import type { WorkersBeside } from './devices.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { Layout } from './layout.ts';
import type { Wire } from './wiring.ts';

/** What a network goes on from. */
export interface Ancestor {
  /** The links that its state needs: to be handed over now, and to be kept by others later. */
  readonly wires: readonly Wire[];
  /** Brings every worker what it has not got; says then where they all begin. */
  readonly begin: (fleet: Fleet) => Promise<Beginning>;
}

/** What a pipeline is launched from. */
export interface PipelineOptions {
  readonly model: NetworkSpec;
  readonly loss: NetworkLossSpec;
  readonly optimizer: OptimizerSpec;
  readonly seed: number;
  /** From 1 to the number of cells. */
  readonly workers: number;
  /** Pipelines of so many workers that share every mini-batch; 1 unless given, at most as many as there are micro-batches. */
  readonly replicas?: number | undefined;
  readonly balance?: readonly number[] | undefined;
  /** One of ours, or a user's own; `auto`: the fastest of ours that fits. */
  readonly schedule: ScheduleFamily | 'auto';
  /** How many stages each worker gets; as many as the schedule is known for unless given. */
  readonly stagesPerWorker?: number | undefined;
  /** The worker of every stage, where it is not to be the schedule's own. */
  readonly placement?: readonly number[] | undefined;
  /** Where other pipelines run beside this one on the machine. */
  readonly beside?: WorkersBeside | undefined;
  readonly recompute: RecomputeMode | 'auto';
  /** How skips travel between workers; `auto` unless given: each in the cheaper way, straight where nothing is measured. */
  readonly skips?: SkipWay | 'auto' | undefined;
  /** Bytes that each worker may hold; what its device has, unless given. */
  readonly memory?: number | undefined;
  readonly batchNorm: BatchNormMode;
  readonly engine: EngineSpec;
  /** Parameters to begin with: a safetensors file, and what stands before each name in it. */
  readonly weights?: { readonly file: string; readonly prefix: string } | undefined;
  /** Where the network goes on from something that was kept, in the place of `weights`. */
  readonly goOn?: ((layout: Layout) => Ancestor) | undefined;
  /** How it is laid on its workers, where that was settled before. */
  readonly layout?: Layout | undefined;
  /** Whether a teacher follows the parameters (self-ensembling); not unless given. */
  readonly teacher?: boolean | undefined;
  /** Whether the gradient of the network's input is wanted, beside the parameters'; not unless given. */
  readonly inputGradient?: boolean | undefined;
  readonly loader: LoaderConfiguration;
  /** (batch, …spatial, channels) of one micro-batch: what the cells are timed with. */
  readonly microBatchShape: Shape;
  /** The most micro-batches that a step will have; `auto`: as many of a batch as are fastest and fit. */
  readonly microBatches: number | 'auto';
  /** Samples of a step, where `microBatches` is to be chosen. */
  readonly batchSize?: number | undefined;
  /**
   * Whether partition and placement are those with the shortest step by measured times, or the most even cut by an estimate
   * (the same on every machine). Only with measured times can anything be `auto`.
   */
  readonly costs: 'measured' | 'estimated';
  /** How long a process may be silent, and all may wait; see `FleetOptions`. */
  readonly heartbeatMilliseconds?: number | undefined;
  readonly stallMilliseconds?: number | undefined;
  /** The coordinator's; its processes write theirs beside it. None unless given. */
  readonly log?: Log | undefined;
  /** Told what a person should know of, such as a slow engine. */
  readonly note?: (text: string) => void;
  readonly signal: AbortSignal;
}
