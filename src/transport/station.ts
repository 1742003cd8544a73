import type { KeyPair } from './keyPair.ts';
import type { ListenAddress } from './listenAddress.ts';

/** What the data links of a process have in common. */
export interface Station {
  /** Where it listens; undefined: on a local socket, as all others are on this machine. */
  readonly at: ListenAddress | undefined;
  /** Made when the process started, and gone with it. Used where the coordinator says by which key the other end is known. */
  readonly keys: KeyPair;
}
