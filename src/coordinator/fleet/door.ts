import { lampVersion } from '../../config/version.ts';
import type { HostFacts } from '../../transport/protocol.ts';
import type { ServerSecurity } from '../../transport/keyPair.ts';
import type { ListenAddress } from '../../transport/listenAddress.ts';
import type { DoorOptions } from './fleetOptions.ts';

/** How the control plane listens for workers of other hosts: with keys, for those alone that have the workers' one. */
export const doorOf = ({ address, known }: DoorOptions): { address: ListenAddress; security?: ServerSecurity } =>
  known ? { address, security: { keys: known.keys, admits: (key) => key === known.peerKey } } : { address };

/** Why a process is not let in, if it is not. */
export function refusalOf(host: HostFacts | undefined): string | undefined {
  if (!host) return 'it does not say what it is: start it with lamp worker';
  const version = lampVersion();
  if (host.version === version) return undefined;
  return `it is LAMP ${host.version} and the coordinator is ${version}: install the same on all hosts`;
}
