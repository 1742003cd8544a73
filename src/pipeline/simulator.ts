import type { Action } from './action.ts';
import type { TimedMessage } from './linkQueue.ts';
import { memoryUse, peakBuffered, recomputes } from './memoryUse.ts';
import type { MemoryRequest, MemoryUse } from './memoryUse.ts';
import { linkKey } from './messages.ts';
import type { Link } from './messages.ts';
import { bytesOfMessage, linkBetween } from './stageCost.ts';
import type { Machine, MachineWorker, StageCost } from './stageCost.ts';
import { timedListsOf } from './timedLists.ts';
import { timedRun } from './timedRun.ts';
import type { TimedRun } from './timedRun.ts';
import type { Timeline } from './timeline.ts';

/**
 * A step that nobody runs: the schedule, what its stages cost, and what it would run on. The schedule has to be complete;
 * `recompute` is one mode for all stages or one for each.
 */
export interface SimulationRequest extends MemoryRequest {
  readonly machine: Machine;
  /** Messages that a link holds before its sender has to wait. */
  readonly queueCapacity: number;
}

export interface SimulatedWorker {
  /** Milliseconds of work: actions, and copies out of the engine and into it. */
  readonly busy: number;
  /** The rest, until the last worker is done: busy + idle = duration. */
  readonly idle: number;
  /** The part of `idle` in which a full queue held the worker up. */
  readonly blocked: number;
  /** idle / duration. */
  readonly bubble: number;
  readonly memory: SimulatedMemory;
}

export interface SimulatedMemory extends MemoryUse {
  /** The most bytes of messages that lay in host memory at once. */
  readonly buffered: number;
}

export interface LinkUse extends Link {
  readonly messages: number;
  readonly bytes: number;
  /** Milliseconds in which bytes were moving. */
  readonly busy: number;
  /** busy / duration. */
  readonly share: number;
}

/** A step as the model has it. */
export interface Simulation extends Timeline {
  /** Milliseconds of a whole step: all actions, and then the slowest worker's update. */
  readonly step: number;
  readonly details: readonly SimulatedWorker[];
  /** Those that the schedule uses. */
  readonly links: readonly LinkUse[];
}

/** Costs and a machine that do not fit the schedule. */
export class SimulationError extends RangeError {
  override readonly name = 'SimulationError';
}

/**
 * Times a step without running it, by the rules of timedRun.ts: an action begins when its worker is free and all its
 * messages have come; results pass the links one after the other while the worker goes on. Exact and deterministic.
 *
 * Throws a SimulationError where costs or workers are missing, a StuckScheduleError where the lists do not end.
 */
export const simulate = (request: SimulationRequest): Simulation => {
  const run = timedRunOf(request);
  const { machine } = request;
  const duration = durationOf(run);
  const memory = memoryUse(request);
  const messages = run.messages();
  const buffered = peakBuffered(run.workers.length, messages);
  return {
    duration,
    step: duration + Math.max(...run.workers.map((_, worker) => updateTime(request, worker))),
    workers: run.workers.map(({ spans }) => spans),
    messages: messages.map(({ key, from, to, bytes, begin, end, sender, receiver }) => {
      return { key, from, to, bytes, begin, end, sender, receiver };
    }),
    details: run.workers.map(({ busy, blocked }, worker) => {
      const idle = duration - busy;
      const of = memory[worker] ?? { fixed: 0, activations: 0, peak: 0 };
      return { busy, idle, blocked, bubble: share(idle, duration), memory: { ...of, buffered: buffered[worker] ?? 0 } };
    }),
    links: linkUses(timedListsOf(request.schedule, request.routes).links, messages, { machine, duration }),
  };
};

/** The `step` of a simulation alone, in a fraction of the time: for a search. */
export const simulatedStep = (request: SimulationRequest): number => {
  const run = timedRunOf(request);
  return durationOf(run) + Math.max(...run.workers.map((_, worker) => updateTime(request, worker)));
};

const timedRunOf = (request: SimulationRequest): TimedRun => {
  check(request);
  const { schedule, routes, machine, messageBytes, queueCapacity } = request;
  return timedRun({
    ...{ schedule, routes, queueCapacity },
    duration: (action) => actionTime(request, action),
    passing: (message) => {
      const bytes = bytesOfMessage(messageBytes, message);
      const { latency, bytesPerMs } = linkBetween(machine, message.fromWorker, message.toWorker);
      return { bytes, occupancy: bytes / bytesPerMs, latency };
    },
    copy: (worker, message) => bytesOfMessage(messageBytes, message) / workerOf(machine, worker).copyBytesPerMs,
  });
};

/** Recomputation runs the forward pass once more before the backward pass. */
const actionTime = ({ schedule, stages, recompute, machine }: SimulationRequest, action: Action): number => {
  const cost = stages[action.stage] as StageCost;
  const { speed } = workerOf(machine, schedule.placement[action.stage] ?? 0);
  const again = recomputes(recompute, action, schedule.microBatches) ? cost.forward : 0;
  switch (action.kind) {
    case 'F':
      return cost.forward / speed;
    case 'B':
      return (again + cost.backward) / speed;
    case 'I':
      return (again + cost.backwardInput) / speed;
    case 'W':
      return cost.backwardWeights / speed;
  }
};

const updateTime = ({ schedule, stages, machine }: SimulationRequest, worker: number): number => {
  if (schedule.workers.every((actions) => actions.every(({ kind }) => kind === 'F'))) return 0;
  const own = stages.filter((_, stage) => schedule.placement[stage] === worker);
  return own.reduce((total, { update }) => total + update, 0) / workerOf(machine, worker).speed;
};

const durationOf = ({ workers }: TimedRun): number =>
  Math.max(0, ...workers.map(({ spans }) => spans.at(-1)?.end ?? 0));

const workerOf = ({ workers }: Machine, worker: number): MachineWorker => workers[worker] as MachineWorker;

const linkUses = (
  links: readonly Link[],
  messages: readonly TimedMessage[],
  { machine, duration }: { readonly machine: Machine; readonly duration: number },
): LinkUse[] => {
  const totals = new Map<string, { messages: number; bytes: number }>();
  for (const { from, to, bytes } of messages) {
    const key = linkKey({ fromWorker: from, toWorker: to });
    const total = totals.get(key) ?? { messages: 0, bytes: 0 };
    totals.set(key, { messages: total.messages + 1, bytes: total.bytes + bytes });
  }
  return links.map(({ from, to }) => {
    const total = totals.get(linkKey({ fromWorker: from, toWorker: to })) ?? { messages: 0, bytes: 0 };
    const busy = total.bytes / linkBetween(machine, from, to).bytesPerMs;
    return { from, to, ...total, busy, share: share(busy, duration) };
  });
};

const share = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);

const check = ({ schedule, stages, machine, recompute }: SimulationRequest): void => {
  const { placement, workers } = schedule;
  if (stages.length !== placement.length)
    throw new SimulationError(`${stages.length} stage costs for ${placement.length} stages; give one for each`);
  if (typeof recompute !== 'string' && recompute.length !== placement.length)
    throw new SimulationError(
      `${recompute.length} recomputation modes for ${placement.length} stages; give one for each`,
    );
  if (machine.workers.length < workers.length)
    throw new SimulationError(
      `the machine has ${machine.workers.length} workers, and schedule ${schedule.name} needs ${workers.length}`,
    );
};
