import { parseStateKey } from '../../checkpoint/training/stateKey.ts';
import type { Cell } from '../../models/cell.ts';
import { parameterSpecs } from '../../models/describe.ts';
import { workerName } from '../../transport/names.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Layout } from '../layout.ts';
import type { PhaseState } from '../phaseRun.ts';
import type { Ancestor } from '../pipelineOptions.ts';
import type { Shape } from '../replicas.ts';
import type { Wire } from '../wiring.ts';
import { chosenOf, planHandover } from './handover.ts';

/** A snapshot that is complete: every key of it lies in two memories, where there are two workers. */
interface Complete {
  /** Of the run. */
  readonly step: number;
  readonly state: PhaseState;
  /** By the id of a worker's process, what it has. */
  readonly held: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * The snapshots of a phase. Each worker copies its state, for which the step waits, and hands the copy to the next one while steps
 * go on:
 *
 *     worker 0 ─its own▶ worker 1 ─its own▶ … ─▶ worker K−1 ─its own▶ worker 0
 *
 * So the state of one that is lost is not lost with it. The snapshot before is kept until this one is complete.
 */
export class Snapshots {
  readonly #cells: readonly Cell[];
  #complete: Complete | undefined;
  #securing: Promise<void> = Promise.resolve();

  constructor(cells: readonly Cell[]) {
    this.#cells = cells;
  }

  /** The last complete one: its step and state. */
  get last(): Pick<Complete, 'step' | 'state'> | undefined {
    return this.#complete;
  }

  /** Links by which copies are handed on. Replicas are copies of one another already. */
  ring({ workers, replicas }: Shape): readonly Wire[] {
    if (workers < 2 || replicas > 1) return [];
    const all = Array.from({ length: workers }, (_, k) => k);
    return all.map((k) => ({ from: workerName(k), to: workerName((k + 1) % workers), state: true }));
  }

  /** Has every worker copy its state; resolves when all have, and secures the copies while steps go on. */
  async take(fleet: Fleet, shape: Shape, step: number, state: PhaseState): Promise<void> {
    await this.#securing;
    const keep = this.#complete?.step;
    const replies = await fleet.requestAll('snapshot', () => ({ step, ...(keep === undefined ? {} : { keep }) }));
    const keys = replies.map((reply) => reply.keys);
    const securing = this.#secure(fleet, shape, { step, state, keys });
    // A failure is told by the step that comes after; the snapshot before stays the last complete one.
    this.#securing = securing.catch(() => {});
  }

  async #secure(
    fleet: Fleet,
    shape: Shape,
    { step, state, keys }: { step: number; state: PhaseState; keys: readonly (readonly string[])[] },
  ): Promise<void> {
    const ids = fleet.workers.map(({ id }) => id);
    const held = new Map(ids.map((id, k) => [id, new Set(keys[k])]));
    await Promise.all(
      this.ring(shape).map(async ({ from, to }, k) => {
        await handKeys(fleet, step, { from, to, keys: keys[k]! });
        for (const key of keys[k]!) held.get(ids[(k + 1) % ids.length]!)!.add(key);
      }),
    );
    this.#complete = { step, state, held };
  }

  /** Which of those who are left go on where not all have a place: as much of the last complete one as can be stays. */
  chosenOf(fleet: Fleet, places: number): readonly string[] {
    return chosenOf(new Map(fleet.workers.map(({ id, role }) => [role!, this.#complete?.held.get(id)])), places);
  }

  /** Whether those who are left have all of the last complete one. */
  isWhole(fleet: Fleet): boolean {
    const held = this.#complete?.held;
    if (!held) return false;
    const left = new Set(fleet.workers.flatMap(({ id }) => [...(held.get(id) ?? [])]));
    return [...held.values()].every((keys) => [...keys].every((key) => left.has(key)));
  }

  /** Waits until the last snapshot that was taken is complete, or cannot be any more. */
  async settled(): Promise<void> {
    await this.#securing;
  }

  /**
   * How the workers that are there go on from the last complete snapshot, laid out anew; undefined where there is none, or where
   * some of it went with those who had it.
   */
  ancestor(fleet: Fleet, layout: Layout): Ancestor | undefined {
    const complete = this.#complete;
    if (!complete) return undefined;
    const { step, state } = complete;
    const roles = new Map(fleet.workers.map(({ id, role }) => [id, role!]));
    const held = new Map([...complete.held].flatMap(([id, keys]) => (roles.has(id) ? [[roles.get(id)!, keys]] : [])));
    const handovers = planHandover(held, this.#neededBy(fleet, layout, complete));
    if (!handovers) return undefined;
    const wires = handovers.map(({ from, to }) => ({ from, to, state: true }));
    return {
      wires,
      begin: async () => {
        await Promise.all(handovers.map((handover) => handKeys(fleet, step, handover)));
        return { kind: 'snapshot', step, updates: state.updates };
      },
    };
  }

  /** By worker, the keys of its cells. */
  #neededBy(
    fleet: Fleet,
    { partition, placement }: Layout,
    { held }: Complete,
  ): ReadonlyMap<string, readonly string[]> {
    const owner = new Map<string, number>();
    for (const [stage, { start, end }] of partition.stages.entries())
      for (const { name } of parameterSpecs(this.#cells.slice(start, end))) owner.set(name, placement[stage]!);
    const all = [...new Set([...held.values()].flatMap((keys) => [...keys]))];
    const inPipeline = Math.max(...placement) + 1;
    return new Map(
      fleet.workers.map(({ role }, worker) => [
        role!,
        all.filter((key) => owner.get(parseStateKey(key).name) === worker % inPipeline),
      ]),
    );
  }
}

async function handKeys(
  fleet: Fleet,
  step: number,
  { from, to, keys }: { from: string; to: string; keys: readonly string[] },
): Promise<void> {
  await Promise.all([
    fleet.request(from, 'hand', { step, to, keys: [...keys] }, true),
    fleet.request(to, 'take', { step, from, keys: [...keys] }, true),
  ]);
}
