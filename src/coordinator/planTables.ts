import type { Model } from '../models/cell.ts';
import { countParameters } from '../models/describe.ts';
import type { Partition } from '../partition/partition.ts';
import { parseAction } from '../pipeline/action.ts';
import type { Simulation, SimulationRequest } from '../pipeline/simulator.ts';
import type { Timeline } from '../pipeline/timeline.ts';

/** A stage of a plan. Times in milliseconds of one micro-batch on its worker. */
export interface PlannedStage {
  readonly stage: number;
  readonly worker: number;
  /** How many, from which to which. */
  readonly cells: number;
  readonly from: string;
  readonly to: string;
  readonly parameters: number;
  readonly forward: number;
  readonly backward: number;
  /** Bytes of its parameters, gradients and the optimizer's state. */
  readonly fixed: number;
  /** Bytes that it keeps of a micro-batch, where it keeps all, and under recomputation. */
  readonly activations: number;
  readonly inputs: number;
  /** Bytes that it sends to other workers in a step. */
  readonly sends: number;
}

/** A worker of a plan. */
export interface PlannedWorker {
  readonly worker: number;
  readonly stages: readonly number[];
  /** Milliseconds of work in a step. */
  readonly busy: number;
  /** The part of the step in which it waits. */
  readonly bubble: number;
  /** Bytes that it holds at most, and that it may hold. */
  readonly peak: number;
  readonly limit: number;
}

/** A step that was simulated; `worker` k of it is worker `workers[k]` of the machine. */
export interface SimulatedRun {
  readonly partition: Partition;
  readonly simulation: Simulation;
  readonly request: SimulationRequest;
  readonly workers: readonly number[];
}

export function describeStages(
  model: Model,
  { partition, simulation, request, workers }: SimulatedRun,
): PlannedStage[] {
  const sent = partition.stages.map(() => 0);
  for (const { sender, bytes } of simulation.messages) sent[parseAction(sender).stage]! += bytes;
  return partition.stages.map(({ start, end }, stage) => {
    const cost = request.stages[stage]!;
    const slot = request.schedule.placement[stage]!;
    const { speed } = request.machine.workers[slot]!;
    const own = model.cells.slice(start, end);
    return {
      ...{ stage, worker: workers[slot]!, cells: own.length, from: own[0]!.name, to: own.at(-1)!.name },
      ...{ parameters: countParameters(own), forward: cost.forward / speed, backward: cost.backward / speed },
      fixed: cost.parameterBytes + cost.gradientBytes + cost.optimizerBytes,
      ...{ activations: cost.activationBytes, inputs: cost.inputBytes, sends: sent[stage]! },
    };
  });
}

export const describeWorkers = ({ simulation, request, workers }: SimulatedRun): PlannedWorker[] =>
  simulation.details
    .map(({ busy, bubble, memory }, slot) => ({
      worker: workers[slot]!,
      stages: request.schedule.placement.flatMap((owner, stage) => (owner === slot ? [stage] : [])),
      ...{ busy, bubble, peak: memory.peak, limit: request.machine.workers[slot]!.memory },
    }))
    .toSorted((a, b) => a.worker - b.worker);

/** The same step with the machine's numbers for its workers, where all of its workers have part in it. */
export function renumbered(timeline: Timeline, workers: readonly number[]): Timeline {
  if (workers.some((worker) => worker >= workers.length)) return timeline;
  return {
    duration: timeline.duration,
    workers: timeline.workers.map((_, worker) => timeline.workers[workers.indexOf(worker)]!),
    messages: timeline.messages.map((message) => ({
      ...message,
      from: workers[message.from]!,
      to: workers[message.to]!,
    })),
  };
}
