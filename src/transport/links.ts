import { DataInlet, DataOutlet } from './dataLink.ts';
import type { RequestOf } from './protocol.ts';

/** The data links of one process, by the name of the peer at the other end. */
export interface Links {
  readonly inlets: ReadonlyMap<string, DataInlet>;
  readonly outlets: ReadonlyMap<string, DataOutlet>;
}

export const noLinks = (): Links => ({ inlets: new Map(), outlets: new Map() });

/** Listens for every peer that has something to send here. */
export async function bindInlets({
  from,
  run,
  highWaterMark,
}: RequestOf<'bind'>): Promise<ReadonlyMap<string, DataInlet>> {
  const inlets = new Map<string, DataInlet>();
  for (const peer of Object.keys(from)) inlets.set(peer, await DataInlet.bind({ from: peer, run, highWaterMark }));
  return inlets;
}

/** Connects to every peer that this one has something to send to. */
export const connectOutlets = ({ to, run, highWaterMark }: RequestOf<'connect'>): ReadonlyMap<string, DataOutlet> =>
  new Map(
    Object.entries(to).map(([peer, { endpoint }]) => [
      peer,
      DataOutlet.connect({ endpoint, to: peer, highWaterMark, run }),
    ]),
  );

export function closeLinks({ inlets, outlets }: Links): void {
  for (const link of [...inlets.values(), ...outlets.values()]) link.close();
}
