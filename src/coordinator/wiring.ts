import type { Schedule } from '../pipeline/action.ts';
import { linksOf, messagesOf } from '../pipeline/messages.ts';
import type { Routes } from '../pipeline/routes.ts';
import { DataInlet } from '../transport/dataLink.ts';
import { newKeyPair } from '../transport/keyPair.ts';
import { LOADER, SINK, stateLink, workerName } from '../transport/names.ts';
import type { LinkEndpoint } from '../transport/protocol.ts';
import type { Fleet } from './fleet/fleet.ts';

/** An ordered pair of peers of which the first has something to send to the second. */
export interface Wire {
  readonly from: string;
  readonly to: string;
  /** Whether it is for the state of the network, beside the one for what a step sends between the two. */
  readonly state?: boolean;
}

/** What all links of a data plane have in common. */
interface Plane {
  readonly run: string;
  readonly highWaterMark: number;
}

/** Every link of a run: what the schedule sends between workers, images and labels from the loader, predictions to the sink. */
export function wiresOf(schedule: Schedule, routes: Routes): readonly Wire[] {
  const first = schedule.placement[0]!;
  const last = schedule.placement.at(-1)!;
  const between = linksOf(messagesOf(schedule, routes)).map(({ from, to }) => ({
    from: workerName(from),
    to: workerName(to),
  }));
  const fed = [...new Set([first, last])].map((worker) => ({ from: LOADER, to: workerName(worker) }));
  return [...between, ...fed, { from: workerName(last), to: SINK }];
}

/** What a link is called at one end, by who is at the other. */
const nameOf = (peer: string, { state = false }: Wire): string => (state ? stateLink(peer) : peer);

/** Lays the data plane of a run. Returns the inlet for predictions, which the caller closes. */
export async function layWires(
  fleet: Fleet,
  wires: readonly Wire[],
  { workers, ...plane }: Plane & { workers: number },
): Promise<DataInlet> {
  const peers = [...Array.from({ length: workers }, (_, k) => workerName(k)), LOADER];
  const keys = newKeyPair();
  const calls = await layBetween(fleet, peers, wires, { ...plane, sinkKey: fleet.secured ? keys.publicKey : null });
  const from = wires.find(({ to }) => to === SINK)!.from;
  const { endpoint, key } = calls.get(from)!;
  // Predictions are fetched, so that nobody need reach this process but on its one port.
  return DataInlet.connect({
    ...plane,
    from,
    endpoint,
    ...(key === null ? {} : { security: { keys, serverKey: key } }),
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
