import type { Action, Schedule } from '../../src/pipeline/action.ts';
import type { Portal } from '../../src/pipeline/routes.ts';

/*
 * A second opinion on schedules, written another way than the validator: each worker is a generator that computes with
 * numbers and yields wherever it has to wait, and who goes next is drawn at random. A schedule is good when every worker
 * ends and every stage has computed what one device computes.
 *
 * The net: stage s multiplies by s + 3, and adds what its skips bring, which is the stashing stage's output.
 */

const input = (microBatch: number): number => microBatch + 2;
const factor = (stage: number): number => stage + 3;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

interface Parcel {
  readonly label: string;
  readonly fromStage: number;
  readonly toStage: number;
  readonly value: number;
}

interface World {
  readonly schedule: Schedule;
  readonly portals: readonly Portal[];
  readonly capacity: number;
  readonly trains: boolean;
  readonly log: string[];
  readonly queues: Map<string, Parcel[]>;
}

/** Whether the lists, run with queues of so many messages a link, compute every activation and gradient once. */
export const runsTruly = (
  schedule: Schedule,
  options: { portals: readonly Portal[]; capacity: number; trains: boolean; draw: () => number },
): boolean => {
  const world: World = { schedule, ...options, log: [], queues: new Map() };
  const running = new Map(schedule.workers.map((list, me) => [me, new Hand(world, me).work(list)] as const));
  // Whoever is left has surely been asked within so many turns in which nothing moved.
  for (let patience = 60 * schedule.workers.length; running.size > 0; patience -= 1) {
    if (patience === 0) return false;
    const before = fingerprint(world);
    const me = [...running.keys()][Math.floor(options.draw() * running.size)] as number;
    const turn = (running.get(me) as Generator<void, boolean>).next();
    if (turn.done && !turn.value) return false;
    if (turn.done) running.delete(me);
    if (turn.done || before !== fingerprint(world)) patience = 60 * schedule.workers.length;
  }
  return world.log.toSorted().join('\n') === expectedLog(world).toSorted().join('\n');
};

const fingerprint = ({ queues, log }: World): string =>
  `${log.length} ${[...queues.values()].map((queue) => queue.length).join(' ')}`;

class Hand {
  readonly #world: World;
  readonly #me: number;
  readonly #shelf = new Map<string, number>();
  /** Inputs of forward passes, and output gradients of input halves, that a later half still reads. */
  readonly #kept = new Map<string, number>();
  readonly #gradients = new Map<string, number>();

  constructor(world: World, me: number) {
    this.#world = world;
    this.#me = me;
  }

  /** False where the list asks for something that is wrong in itself. */
  *work(list: readonly Action[]): Generator<void, boolean> {
    const { schedule, trains } = this.#world;
    const last = new Map<number, number>();
    for (const { stage, kind, microBatch } of list) {
      if (schedule.placement[stage] !== this.#me || microBatch >= schedule.microBatches) return false;
      const own = `${stage} ${microBatch}`;
      if (kind === 'F') {
        if ((last.get(stage) ?? -1) >= microBatch) return false;
        last.set(stage, microBatch);
        yield* this.#forward(stage, microBatch);
      } else if (!trains || !this.#kept.has(own)) return false;
      else if (kind === 'W') {
        if (!this.#gradients.has(own)) return false;
        this.#weights(own);
      } else {
        if (this.#gradients.has(own)) return false;
        yield* this.#backward(stage, microBatch, kind === 'B');
      }
    }
    return !trains || this.#kept.size === 0;
  }

  *#forward(stage: number, m: number): Generator<void, void> {
    const { portals, schedule, log } = this.#world;
    const popped = portals.filter(({ to }) => to === stage);
    const [x = input(m), ...skips] = yield* this.#fetch([
      ...(stage > 0 ? [{ label: `a${stage} ${m}`, fromStage: stage - 1 }] : []),
      ...popped.map(({ skip, from }) => ({ label: `s${skip} ${m}`, fromStage: from })),
    ]);
    const y = factor(stage) * x + sum(skips);
    this.#kept.set(`${stage} ${m}`, x);
    log.push(`F ${stage} ${m} ${y}`);
    if (stage + 1 < schedule.placement.length)
      yield* this.#deliver({ label: `a${stage + 1} ${m}`, fromStage: stage, toStage: stage + 1, value: y });
    for (const { skip, to } of portals.filter(({ from }) => from === stage))
      yield* this.#deliver({ label: `s${skip} ${m}`, fromStage: stage, toStage: to, value: y });
  }

  *#backward(stage: number, m: number, whole: boolean): Generator<void, void> {
    const { portals, schedule } = this.#world;
    const isLast = stage + 1 === schedule.placement.length;
    const arrived = yield* this.#fetch([
      ...(isLast ? [] : [{ label: `g${stage} ${m}`, fromStage: stage + 1 }]),
      ...portals
        .filter(({ from }) => from === stage)
        .map(({ skip, to }) => ({ label: `t${skip} ${m}`, fromStage: to })),
    ]);
    const dy = sum(arrived) + (isLast ? 1 : 0);
    this.#gradients.set(`${stage} ${m}`, dy);
    if (whole) this.#weights(`${stage} ${m}`);
    if (stage > 0)
      yield* this.#deliver({
        label: `g${stage - 1} ${m}`,
        fromStage: stage,
        toStage: stage - 1,
        value: factor(stage) * dy,
      });
    for (const { skip, from } of portals.filter(({ to }) => to === stage))
      yield* this.#deliver({ label: `t${skip} ${m}`, fromStage: stage, toStage: from, value: dy });
  }

  #weights(own: string): void {
    this.#world.log.push(`W ${own} ${(this.#gradients.get(own) as number) * (this.#kept.get(own) as number)}`);
    this.#gradients.delete(own);
    this.#kept.delete(own);
  }

  #queue(from: number, to: number): Parcel[] {
    const queue = this.#world.queues.get(`${from} ${to}`) ?? [];
    this.#world.queues.set(`${from} ${to}`, queue);
    return queue;
  }

  *#fetch(wanted: readonly { label: string; fromStage: number }[]): Generator<void, number[]> {
    for (;;) {
      const missing = wanted.filter(({ label }) => !this.#shelf.has(label));
      if (missing.length === 0) break;
      const links = missing.map(({ fromStage }) => this.#world.schedule.placement[fromStage] as number);
      const parcels = [...new Set(links)].flatMap((from) => this.#queue(from, this.#me).shift() ?? []);
      for (const { label, value } of parcels) this.#shelf.set(label, value);
      if (parcels.length === 0) yield;
    }
    return wanted.map(({ label }) => {
      const value = this.#shelf.get(label) as number;
      this.#shelf.delete(label);
      return value;
    });
  }

  *#deliver(parcel: Parcel): Generator<void, void> {
    const to = this.#world.schedule.placement[parcel.toStage] as number;
    if (to === this.#me) {
      this.#shelf.set(parcel.label, parcel.value);
      return;
    }
    while (this.#queue(this.#me, to).length >= this.#world.capacity) yield;
    this.#queue(this.#me, to).push(parcel);
  }
}

/** The same net on one device, a micro-batch after the other. */
const expectedLog = ({ schedule, portals, trains }: World): string[] => {
  const stages = schedule.placement.map((_, stage) => stage);
  return Array.from({ length: schedule.microBatches }, (_, m) => m).flatMap((m) => {
    const outputs: number[] = [];
    for (const stage of stages)
      outputs.push(
        factor(stage) * (outputs[stage - 1] ?? input(m)) +
          sum(portals.filter(({ to }) => to === stage).map(({ from }) => outputs[from] as number)),
      );
    const lines = outputs.map((y, stage) => `F ${stage} ${m} ${y}`);
    if (!trains) return lines;
    const gradients: number[] = [];
    for (const stage of stages.toReversed()) {
      const ahead = gradients[stage + 1];
      const dy =
        (ahead === undefined ? 1 : factor(stage + 1) * ahead) +
        sum(portals.filter(({ from }) => from === stage).map(({ to }) => gradients[to] as number));
      gradients[stage] = dy;
      lines.push(`W ${stage} ${m} ${dy * (outputs[stage - 1] ?? input(m))}`);
    }
    return lines;
  });
};
