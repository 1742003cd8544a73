import type { Engine } from '../engine/engine.ts';
import { sizeOf } from '../engine/tensor.ts';
import type { ParameterStore } from '../layers/parameterStore.ts';
import type { Action } from '../pipeline/action.ts';
import type { ReplyTo } from '../transport/protocol.ts';
import type { Pulse } from '../transport/pulse.ts';
import type { Ring } from './allReduce.ts';
import type { ReplicaStatistics } from './replicaStatistics.ts';

type Reduced = NonNullable<ReplyTo<'step'>['reduced']>[number];

export interface ReductionOptions {
  readonly engine: Engine;
  readonly parameters: ParameterStore;
  /** The trainable parameters of every stage of this worker. */
  readonly names: ReadonlyMap<number, readonly string[]>;
  /** What this worker does in the step, in order. */
  readonly actions: readonly Action[];
  readonly statistics: ReplicaStatistics;
  /** Whether gradients are summed: an update follows. */
  readonly reduce: boolean;
  readonly ring: Ring;
  readonly pulse: Pulse;
  /** Milliseconds since the step began. */
  readonly now: () => number;
}

/** One thing that goes round the ring, when this worker's part of it is there. */
interface Bucket {
  readonly name: string;
  /** The last action that adds to it; undefined where there is none to wait for. */
  readonly after: Action | undefined;
  /** Copies this worker's part to the host. */
  readonly pack: () => Float32Array;
  /** Sends it round; what it returns puts the outcome in place. */
  readonly go: (bucket: number, values: Float32Array) => Promise<() => void>;
  readonly ready: Gate;
}

/**
 * The part of a step in which replicas become one: running statistics as soon as the last forward pass has run, and the gradients of
 * each stage as soon as its last backward pass has, beside whatever is still computed.
 *
 *     worker   3F… 3B0 3B1 0B0 ▒ 0B1
 *     ring         ▒ statistics ▒ stage 3 ▒▒▒▒▒ stage 0 ▒▒▒
 *
 * Buckets go one behind the other in an order that is the same at all replicas, whose schedules need not be: so nobody waits for
 * what the other sends later. What came is put in place by `finish`: until then the walk reads nothing of it.
 */
export class Reduction {
  readonly #options: ReductionOptions;
  readonly #buckets: readonly Bucket[];
  readonly #running: Promise<(() => void)[]>;
  readonly reduced: Reduced[] = [];

  constructor(options: ReductionOptions) {
    this.#options = options;
    this.#buckets = this.#bucketsOf(options);
    this.#running = options.pulse.during(() => this.#run());
    // Whoever finishes is told.
    this.#running.catch(() => {});
    for (const bucket of this.#buckets) if (!bucket.after) bucket.ready.open();
  }

  /** An action is done. */
  done(action: Action): void {
    for (const { after, ready } of this.#buckets) if (after === action) ready.open();
  }

  /** Waits for the rest, and puts sums and statistics in place. */
  async finish(): Promise<void> {
    const outcomes = await this.#options.pulse.waiting(this.#running);
    for (const place of outcomes) place();
  }

  /** Lets go of what a step that failed will not send. */
  dispose(): void {
    for (const { ready } of this.#buckets) ready.close();
  }

  #bucketsOf({ actions, names, statistics, reduce }: ReductionOptions): Bucket[] {
    const { ring } = this.#options;
    const ofForward: Bucket = {
      name: 'statistics',
      after: actions.findLast(({ kind }) => kind === 'F'),
      pack: () => statistics.pack(),
      go: async (bucket, values) => {
        const parts = await ring.gather(bucket, values);
        return () => statistics.combine(parts);
      },
      ready: new Gate(),
    };
    const stages = reduce ? [...names.keys()].toSorted((a, b) => b - a) : [];
    return [ofForward, ...stages.map((stage) => this.#gradientsOf(stage, names.get(stage)!))];
  }

  #gradientsOf(stage: number, names: readonly string[]): Bucket {
    const { actions, ring } = this.#options;
    return {
      name: `stage ${stage}`,
      after: actions.findLast((action) => action.stage === stage && (action.kind === 'B' || action.kind === 'W')),
      pack: () => this.#packGradients(names),
      go: async (bucket, values) => {
        const sum = await ring.sum(bucket, values);
        return () => this.#placeGradients(names, sum);
      },
      ready: new Gate(),
    };
  }

  async #run(): Promise<(() => void)[]> {
    const { pulse, ring, now } = this.#options;
    const outcomes: (() => void)[] = [];
    for (const [index, { name, pack, go, ready }] of this.#buckets.entries()) {
      await pulse.waiting(ready.opened);
      const [begin, before] = [now(), ring.bytesSent];
      outcomes.push(await go(index, pack()));
      this.reduced.push({ bucket: name, bytes: ring.bytesSent - before, begin, end: now() });
    }
    return outcomes;
  }

  /** One behind the other; zeros where this replica has none. */
  #packGradients(names: readonly string[]): Float32Array {
    const { engine, parameters } = this.#options;
    const entries = names.map((name) => parameters.get(name));
    const packed = new Float32Array(entries.reduce((sum, { spec }) => sum + sizeOf(spec.shape), 0));
    let offset = 0;
    for (const { spec, gradient } of entries) {
      if (gradient) packed.set(engine.read(gradient), offset);
      offset += sizeOf(spec.shape);
    }
    return packed;
  }

  #placeGradients(names: readonly string[], sum: Float32Array): void {
    const { engine, parameters } = this.#options;
    let offset = 0;
    for (const name of names) {
      const { shape } = parameters.get(name).spec;
      const size = sizeOf(shape);
      parameters.replaceGradient(name, engine.tensor(sum.slice(offset, offset + size), shape));
      offset += size;
    }
  }
}

/** Opens once; closed before that, whoever waits is told. */
class Gate {
  readonly opened: Promise<void>;
  open: () => void = () => {};
  close: () => void = () => {};

  constructor() {
    this.opened = new Promise((resolve, reject) => {
      this.open = resolve;
      this.close = () => reject(new Error('the step has ended before its gradients were complete'));
    });
    this.opened.catch(() => {});
  }
}
