import type { Schedule } from '../pipeline/action.ts';
import { linksOf, messagesOf } from '../pipeline/messages.ts';
import type { Routes } from '../pipeline/routes.ts';
import { DataInlet } from '../transport/dataLink.ts';
import { LOADER, SINK, stateLink, workerName } from '../transport/names.ts';
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
  const sinkSource = wires.find(({ to }) => to === SINK)!.from;
  const sink = await DataInlet.bind({ from: sinkSource, ...plane });
  try {
    await layBetween(fleet, peers, wires, { ...plane, endpoints: [[SINK, { [sinkSource]: sink.endpoint }]] });
    return sink;
  } catch (error) {
    sink.close();
    throw error;
  }
}

/** Every receiver listens, then every sender connects; `endpoints` are those of receivers that listen already. */
export async function layBetween(
  fleet: Fleet,
  peers: readonly string[],
  wires: readonly Wire[],
  { endpoints: known = [], ...plane }: Plane & { endpoints?: readonly (readonly [string, Record<string, string>])[] },
): Promise<void> {
  const endpoints = new Map(known);
  await Promise.all(
    peers.map(async (peer) => {
      const from = wires.filter(({ to }) => to === peer).map((wire) => [nameOf(wire.from, wire), null] as const);
      const order = { own: peer, from: Object.fromEntries(from), called: {}, ...plane };
      endpoints.set(peer, (await fleet.request(peer, 'bind', order)).endpoints);
    }),
  );
  await Promise.all(
    peers.map(async (peer) => {
      const receivers = wires
        .filter(({ from }) => from === peer)
        .map((wire) => {
          const endpoint = endpoints.get(wire.to)![nameOf(peer, wire)]!;
          return [nameOf(wire.to, wire), { endpoint, key: null }] as const;
        });
      await fleet.request(peer, 'connect', { to: Object.fromEntries(receivers), ...plane });
    }),
  );
}
