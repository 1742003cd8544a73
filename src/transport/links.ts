import { DataInlet, DataOutlet } from './dataLink.ts';
import type { ServerSecurity } from './keyPair.ts';
import { LOADER } from './names.ts';
import type { RequestOf } from './protocol.ts';
import type { Station } from './station.ts';

/** The data links of one process, by the name of the peer at the other end. */
export interface Links {
  readonly inlets: ReadonlyMap<string, DataInlet>;
  readonly outlets: ReadonlyMap<string, DataOutlet>;
}

export const noLinks = (): Links => ({ inlets: new Map(), outlets: new Map() });

/** Listens for every peer that has something to send here; with CURVE, for the one that has the key that the coordinator says. */
export async function bindInlets(
  { from, ...plane }: RequestOf<'bind'>,
  station: Station,
): Promise<ReadonlyMap<string, DataInlet>> {
  const inlets = new Map<string, DataInlet>();
  for (const [peer, key] of Object.entries(from))
    inlets.set(
      peer,
      await DataInlet.bind({
        ...{ ...planeOf(plane), from: peer, at: station.at, ...asideFor(peer) },
        ...admitting(key, station),
      }),
    );
  return inlets;
}

/** Listens for every peer that comes for what this one has for it. */
export async function bindOutlets(
  { called, ...plane }: RequestOf<'bind'>,
  station: Station,
): Promise<ReadonlyMap<string, DataOutlet>> {
  const outlets = new Map<string, DataOutlet>();
  for (const [peer, key] of Object.entries(called))
    outlets.set(
      peer,
      await DataOutlet.bind({ ...planeOf(plane), to: peer, at: station.at, ...admitting(key, station) }),
    );
  return outlets;
}

/** Connects to every peer that this one has something to send to. */
export const connectOutlets = (
  { to, ...plane }: RequestOf<'connect'>,
  { keys }: Station,
): ReadonlyMap<string, DataOutlet> =>
  new Map(
    Object.entries(to).map(([peer, { endpoint, key }]) => {
      const security = key === null ? {} : { security: { keys, serverKey: key } };
      return [peer, DataOutlet.connect({ ...planeOf(plane), endpoint, to: peer, ...security })];
    }),
  );

/**
 * The loader sends the next mini-batch ahead, and all of it waits where the last one is taken again to find what is not finite
 * (`Pipeline.locate`): as many messages as there are micro-batches, or three times as many.
 */
const asideFor = (peer: string): { setAside?: number } => (peer === LOADER ? { setAside: 16_384 } : {});

/** Of the peers that are to connect, the one with this public key alone. */
const admitting = (key: string | null, { keys }: Station): { security?: ServerSecurity } =>
  key === null ? {} : { security: { keys, admits: (shown) => shown === key } };

const planeOf = ({ run, highWaterMark }: Pick<RequestOf<'bind'>, 'run' | 'highWaterMark'>) => ({ run, highWaterMark });

export const endpointsOf = (links: ReadonlyMap<string, { readonly endpoint: string }>): Record<string, string> =>
  Object.fromEntries([...links].map(([peer, { endpoint }]) => [peer, endpoint]));

export function closeLinks({ inlets, outlets }: Links): void {
  for (const link of [...inlets.values(), ...outlets.values()]) link.close();
}
