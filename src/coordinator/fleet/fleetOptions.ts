import type { Log } from '../../telemetry/log/log.ts';
import type { KnownKeys } from '../../transport/keyFile.ts';
import type { ListenAddress } from '../../transport/listenAddress.ts';

/** Where workers of other hosts come in. */
export interface DoorOptions {
  readonly address: ListenAddress;
  /** Without keys only this machine itself may come in. */
  readonly known?: KnownKeys | undefined;
}

export interface FleetOptions {
  /** For how long a process may be silent; a beat comes every second. */
  readonly heartbeatMilliseconds?: number | undefined;
  /** For how long all may wait for one another. */
  readonly stallMilliseconds?: number | undefined;
  /** For how long one may compute without getting any further; for ever unless given. */
  readonly hangMilliseconds?: number | undefined;
  /** The coordinator's; its processes write theirs beside it. */
  readonly log?: Log | undefined;
  /** Workers of other hosts are let in here; none are where it is absent. */
  readonly door?: DoorOptions | undefined;
  readonly signal: AbortSignal;
}
