import type { RecomputeMode } from '../config/runFile.ts';
import type { Schedule } from './action.ts';
import type { Routes } from './routes.ts';
import type { Machine, MessageBytes, StageCost } from './stageCost.ts';
import type { Timeline } from './timeline.ts';

export interface SimulationRequest {
  readonly schedule: Schedule;
  readonly routes: Routes;
  /** One a stage. */
  readonly stages: readonly StageCost[];
  readonly messageBytes: MessageBytes;
  readonly machine: Machine;
  /** One mode for all stages, or one for each. */
  readonly recompute: RecomputeMode | readonly RecomputeMode[];
  /** Messages that a link holds before its sender has to wait. */
  readonly queueCapacity: number;
}

export interface SimulatedWorker {
  /** Milliseconds of work: actions, and copies out of the engine and into it. */
  readonly busy: number;
  /** The rest of the step: busy + idle = step. */
  readonly idle: number;
  /** The part of `idle` in which a full queue held the worker up. */
  readonly blocked: number;
  /** idle / step. */
  readonly bubble: number;
  readonly memory: SimulatedMemory;
}

/** Bytes. */
export interface SimulatedMemory {
  /** Parameters, gradients and the optimizer's state. */
  readonly fixed: number;
  /** The most held between forward and backward passes at once, beyond that. */
  readonly activations: number;
  /** The most at once of everything: fixed, held, transient, and what waits to be handed over on this worker. */
  readonly peak: number;
  /** The most bytes that had arrived over links and were not used yet: host memory, not the device's. */
  readonly arrived: number;
}

export interface LinkUse {
  readonly from: number;
  readonly to: number;
  readonly messages: number;
  readonly bytes: number;
  /** Milliseconds in which bytes were moving. */
  readonly busy: number;
  /** busy / step. */
  readonly share: number;
}

/** A step as the model has it. */
export interface Simulation extends Timeline {
  /** Milliseconds of a whole step: all actions, then the slowest worker's update. */
  readonly step: number;
  readonly details: readonly SimulatedWorker[];
  readonly links: readonly LinkUse[];
}

export type Simulate = (request: SimulationRequest) => Simulation;
