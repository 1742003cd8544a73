import type { Schedule } from '../pipeline/action.ts';
import { linksOf, messagesOf } from '../pipeline/messages.ts';
import type { Routes } from '../pipeline/routes.ts';
import { DataInlet } from '../transport/dataLink.ts';
import { newKeyPair } from '../transport/keyPair.ts';
import { LOADER, ringLink, SINK, stateLink, workerName } from '../transport/names.ts';
import type { LinkEndpoint } from '../transport/protocol.ts';
import type { Fleet } from './fleet/fleet.ts';

/** An ordered pair of peers of which the first has something to send to the second. */
export interface Wire {
  readonly from: string;
  readonly to: string;
  /** Whether it is for the state of the network, beside the one for what a step sends between the two. */
  readonly state?: boolean;
  /** Whether it is of the ring on which replicas sum their gradients, likewise. */
  readonly ring?: boolean;
}

/** What all links of a data plane have in common. */
interface Plane {
  readonly run: string;
  readonly highWaterMark: number;
}

/**
 * Every link of a run: for each replica what the schedule sends between workers, images and labels from the loader, predictions to
 * the sink; and the rings on which replicas sum.
 */
export function wiresOf(schedule: Schedule, routes: Routes, replicas = 1): readonly Wire[] {
  const workers = schedule.workers.length;
  const each = Array.from({ length: replicas }, (_, replica) => replica * workers);
  return [...each.flatMap((first) => wiresFrom(first, schedule, routes)), ...ringsOf(workers, replicas)];
}

/** Those of the replica whose workers count from `first`. */
function wiresFrom(first: number, schedule: Schedule, routes: Routes): readonly Wire[] {
  const name = (worker: number): string => workerName(first + worker);
  const [begin, end] = [schedule.placement[0]!, schedule.placement.at(-1)!];
  const between = linksOf(messagesOf(schedule, routes)).map(({ from, to }) => ({ from: name(from), to: name(to) }));
  const fed = [...new Set([begin, end])].map((worker) => ({ from: LOADER, to: name(worker) }));
  return [...between, ...fed, { from: name(end), to: SINK }];
}

/** From each worker to the one of the same stages in the next replica. */
function ringsOf(workers: number, replicas: number): readonly Wire[] {
  if (replicas === 1) return [];
  return Array.from({ length: workers * replicas }, (_, worker) => ({
    from: workerName(worker),
    to: workerName((worker + workers) % (workers * replicas)),
    ring: true,
  }));
}

/** What a link is called at one end, by who is at the other. */
const nameOf = (peer: string, { state = false, ring = false }: Wire): string =>
  state ? stateLink(peer) : ring ? ringLink(peer) : peer;

/** Lays the data plane of a run. Returns the inlets for predictions, one a replica, which the caller closes. */
export async function layWires(
  fleet: Fleet,
  wires: readonly Wire[],
  { workers, ...plane }: Plane & { workers: number },
): Promise<readonly DataInlet[]> {
  const peers = [...Array.from({ length: workers }, (_, k) => workerName(k)), LOADER];
  const keys = newKeyPair();
  const calls = await layBetween(fleet, peers, wires, { ...plane, sinkKey: fleet.secured ? keys.publicKey : null });
  const sources = wires.flatMap(({ from, to }) => (to === SINK ? [from] : []));
  // Predictions are fetched, so that nobody need reach this process but on its one port.
  return sources.map((from) => {
    const { endpoint, key } = calls.get(from)!;
    const security = key === null ? {} : { security: { keys, serverKey: key } };
    return DataInlet.connect({ ...plane, from, endpoint, ...security });
  });
}

/**
 * Every receiver listens, then every sender connects; whoever sends to the sink listens for it. With keys, each listens for those
 * alone who will send to it. Returns where the senders to the sink listen.
 */
export async function layBetween(
  fleet: Fleet,
  peers: readonly string[],
  wires: readonly Wire[],
  { sinkKey = null, ...plane }: Plane & { sinkKey?: string | null },
): Promise<ReadonlyMap<string, LinkEndpoint>> {
  const keyOf = (peer: string): string | null => (fleet.secured ? fleet.member(peer).greeting!.key : null);
  const endpoints = new Map<string, Record<string, string>>();
  const calls = new Map<string, LinkEndpoint>();
  await Promise.all(
    peers.map(async (peer) => {
      const from = wires
        .filter(({ to }) => to === peer)
        .map((wire) => [nameOf(wire.from, wire), keyOf(wire.from)] as const);
      const called = wires.some((wire) => wire.from === peer && wire.to === SINK) ? { [SINK]: sinkKey } : {};
      const bound = await fleet.request(peer, 'bind', { own: peer, from: Object.fromEntries(from), called, ...plane });
      endpoints.set(peer, bound.endpoints);
      const endpoint = bound.calls[SINK];
      if (endpoint !== undefined) calls.set(peer, { endpoint, key: keyOf(peer) });
    }),
  );
  await Promise.all(
    peers.map(async (peer) => {
      const receivers = wires
        .filter(({ from, to }) => from === peer && to !== SINK)
        .map((wire) => {
          const endpoint = endpoints.get(wire.to)![nameOf(peer, wire)]!;
          return [nameOf(wire.to, wire), { endpoint, key: keyOf(wire.to) }] as const;
        });
      await fleet.request(peer, 'connect', { to: Object.fromEntries(receivers), ...plane });
    }),
  );
  return calls;
}
