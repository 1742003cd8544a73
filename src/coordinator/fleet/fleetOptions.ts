import type { Log } from '../../telemetry/log/log.ts';

export interface FleetOptions {
  /** For how long a process may be silent; a beat comes every second. */
  readonly heartbeatMilliseconds?: number | undefined;
  /** For how long all may wait for one another. */
  readonly stallMilliseconds?: number | undefined;
  /** The coordinator's; its processes write theirs beside it. */
  readonly log?: Log | undefined;
  readonly signal: AbortSignal;
}
