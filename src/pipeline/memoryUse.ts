import type { RecomputeMode } from '../config/runFile.ts';
import type { Action, Schedule } from './action.ts';
import type { TimedMessage } from './linkQueue.ts';
import { isLocal, messagesOf } from './messages.ts';
import type { Message } from './messages.ts';
import type { Routes } from './routes.ts';
import { bytesOfMessage } from './stageCost.ts';
import type { MessageBytes, StageCost } from './stageCost.ts';

/** Bytes. */
export interface MemoryUse {
  /** Parameters, gradients and the optimizer's state. */
  readonly fixed: number;
  /** The most held at once for backward passes to come. */
  readonly activations: number;
  /** The most at once of all: fixed, held, transient, and what waits to be handed over on this worker. */
  readonly peak: number;
}

export interface MemoryRequest {
  readonly schedule: Schedule;
  readonly routes: Routes;
  readonly stages: readonly StageCost[];
  readonly messageBytes: MessageBytes;
  readonly recompute: RecomputeMode | readonly RecomputeMode[];
}

/** Whether a stage keeps only the inputs of a micro-batch. `except_last` spares the last one, whose backward pass comes next. */
export const recomputes = (
  modes: RecomputeMode | readonly RecomputeMode[],
  { stage, microBatch }: Pick<Action, 'stage' | 'microBatch'>,
  microBatches: number,
): boolean => {
  const mode = typeof modes === 'string' ? modes : modes[stage];
  return mode === 'always' || (mode === 'except_last' && microBatch < microBatches - 1);
};

/**
 * The most that every worker holds. A matter of the order of the lists alone, whatever the timing:
 *
 *     F      holds activations (inputs, where it will recompute) from its beginning
 *     B, I   hold all activations again, recomputed ones too; then nothing, or what W still reads
 *     W      lets go of that
 *
 * and a message between two stages of one worker lies there from the end of one action to the beginning of the other; a skip
 * that is threaded through a stage is there while that works.
 */
export const memoryUse = (request: MemoryRequest): MemoryUse[] => {
  const ledger = new Ledger(request);
  return messagesOf(request.schedule, request.routes).map((actions, worker) => {
    const own = request.stages.filter((_, stage) => request.schedule.placement[stage] === worker);
    const fixed = sum(own.map((cost) => cost.parameterBytes + cost.gradientBytes + cost.optimizerBytes));
    let [held, waiting, activations, peak] = [0, 0, 0, fixed];
    for (const { action, needs, sends } of actions) {
      waiting -= sum(needs.filter(isLocal).map((message) => ledger.waiting(message)));
      const { during, transient, change } = ledger.entry(action);
      const passing = sum(needs.filter((each) => passesOn(each, sends)).map((each) => ledger.bytesOf(each)));
      activations = Math.max(activations, held + during);
      peak = Math.max(peak, fixed + held + during + waiting + transient + passing);
      held += change;
      waiting += sum(sends.filter(isLocal).map((message) => ledger.waiting(message)));
      peak = Math.max(peak, fixed + held + waiting);
    }
    return { fixed, activations, peak };
  });
};

/** The most bytes of messages that lie in a worker's host memory at once: copied out and not sent, or come and not copied in. */
export const peakBuffered = (workers: number, messages: readonly TimedMessage[]): number[] => {
  const changes = Array.from({ length: workers }, (): { at: number; bytes: number }[] => []);
  for (const { from, to, bytes, made, left, begin, used } of messages) {
    changes[from]?.push({ at: made, bytes }, { at: left, bytes: -bytes });
    changes[to]?.push({ at: begin, bytes }, { at: used, bytes: -bytes });
  }
  return changes.map((list) => {
    let [now, most] = [0, 0];
    // What goes at the very moment at which something comes goes first.
    for (const { bytes } of list.toSorted((a, b) => a.at - b.at || a.bytes - b.bytes)) {
      now += bytes;
      most = Math.max(most, now);
    }
    return most;
  });
};

/** What an action does to the memory of its worker, over what other micro-batches hold. */
interface Entry {
  /** Held while it runs, beyond what was held before. */
  readonly during: number;
  readonly transient: number;
  /** Held behind it, beyond what was held before. */
  readonly change: number;
}

class Ledger {
  readonly #request: MemoryRequest;
  readonly #trains: boolean;

  constructor(request: MemoryRequest) {
    this.#request = request;
    this.#trains = request.schedule.workers.flat().some(({ kind }) => kind !== 'F');
  }

  entry(action: Action): Entry {
    const cost = this.#request.stages[action.stage] as StageCost;
    const { transientBytes: transient, weightBytes } = cost;
    if (!this.#trains) return { during: cost.inputBytes, transient: transient.forwardDropping, change: 0 };
    const dropped = this.#drops(action);
    const all = this.#activations(action);
    const held = dropped ? cost.inputBytes : all;
    const again = dropped ? transient.forwardAgain : 0;
    switch (action.kind) {
      case 'F':
        return { during: held, transient: dropped ? transient.forwardDropping : transient.forward, change: held };
      case 'B':
        return { during: all - held, transient: Math.max(again, transient.backward), change: -held };
      case 'I':
        return { during: all - held, transient: Math.max(again, transient.backwardInput), change: weightBytes - held };
      case 'W':
        return { during: 0, transient: transient.backwardWeights, change: -weightBytes };
    }
  }

  /** Bytes of a message that waits on its own worker; none where its sender holds the same values anyway. */
  waiting(message: Message): number {
    const { kind, skip, fromStage: stage, microBatch } = message;
    const cost = this.#request.stages[stage] as StageCost;
    const held = skip === undefined ? cost.holdsOutput : cost.heldSkips.includes(skip);
    const forward = kind === 'activation' || kind === 'skip';
    if (this.#trains && forward && held && !this.#drops({ stage, microBatch })) return 0;
    return this.bytesOf(message);
  }

  bytesOf(message: Message): number {
    return bytesOfMessage(this.#request.messageBytes, message);
  }

  #drops(place: Pick<Action, 'stage' | 'microBatch'>): boolean {
    return recomputes(this.#request.recompute, place, this.#request.schedule.microBatches);
  }

  /** All activations, without an input that the stage before holds on the same worker as its output. */
  #activations({ stage, microBatch }: Action): number {
    const { schedule, stages, messageBytes } = this.#request;
    const cost = stages[stage] as StageCost;
    const before = stages[stage - 1];
    const shared =
      cost.holdsInput &&
      before?.holdsOutput &&
      schedule.placement[stage - 1] === schedule.placement[stage] &&
      !this.#drops({ stage: stage - 1, microBatch }) &&
      !this.#drops({ stage, microBatch });
    return cost.activationBytes - (shared ? (messageBytes.outputs[stage - 1] ?? 0) : 0);
  }
}

/** Whether a skip is only on its way through the action. */
const passesOn = ({ kind, skip }: Message, sends: readonly Message[]): boolean =>
  skip !== undefined && sends.some((sent) => sent.kind === kind && sent.skip === skip);

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
