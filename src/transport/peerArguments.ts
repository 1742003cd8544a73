import { parseArgs } from 'node:util';
import { parsePorts } from './listenAddress.ts';
import type { PortRange } from './listenAddress.ts';
import { hostSchema, type HostFacts } from './protocol.ts';

/** What a process of another machine than the coordinator's is told beside. */
export interface Joining {
  readonly host: HostFacts;
  /** A file with keys. A path: arguments are for all to read. */
  readonly keys: string | undefined;
  /** The address at which it listens for others; the one that faces the coordinator unless given. */
  readonly listen: string | undefined;
  readonly ports: PortRange | undefined;
  readonly advertise: string | undefined;
}

/** What a process is told by the one that starts it. */
export interface PeerArguments {
  /** Its identity on the control plane. */
  readonly id: string;
  readonly coordinator: string;
  /** Where it comes to the coordinator by itself. */
  readonly joining: Joining | undefined;
}

const options = {
  peer: { type: 'string' },
  coordinator: { type: 'string' },
  host: { type: 'string' },
  keys: { type: 'string' },
  listen: { type: 'string' },
  ports: { type: 'string' },
  advertise: { type: 'string' },
} as const;

export function parsePeerArguments(): PeerArguments {
  const { peer, coordinator, host, keys, listen, ports, advertise } = parseArgs({ options }).values;
  if (!peer || !coordinator)
    throw new Error('this process is started by others: see `lamp train --help` and `lamp worker --help`');
  const joining =
    host === undefined ? undefined : { host: hostSchema.parse(JSON.parse(host)), keys, listen, advertise };
  return {
    id: peer,
    coordinator,
    joining: joining && { ...joining, ports: ports === undefined ? undefined : parsePorts(ports) },
  };
}

/** The same as words of a command line. */
export const formatPeerArguments = ({ id, coordinator, joining }: PeerArguments): readonly string[] => {
  const words = ['--peer', id, '--coordinator', coordinator];
  if (!joining) return words;
  const { host, keys, listen, ports, advertise } = joining;
  const given = {
    host: JSON.stringify(host),
    keys,
    listen,
    ports: ports && `${ports.from}-${ports.to}`,
    advertise,
  };
  return [
    ...words,
    ...Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value])),
  ];
};
