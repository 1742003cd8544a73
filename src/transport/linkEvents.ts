import type { Event, Socket } from 'zeromq';
import type { RefusalCount } from './counters.ts';

/** What became of a connection, with what is known of why. */
export interface LinkEvent {
  /**
   * `connected`: the handshake went well. `disconnected`: such a connection is lost; ZeroMQ connects again by itself, but what
   * was on its way may be lost. `handshake failed`: the other end has a wrong key, or is none of ours.
   */
  readonly kind: 'connected' | 'disconnected' | 'handshake failed';
  readonly detail: string;
  /** The other end was gone in the middle of a handshake: for want of the key, or since nobody listens there yet behind a forwarder. */
  readonly brokeOff?: boolean;
}

export type OnLinkEvent = (event: LinkEvent) => void;

interface Watch {
  readonly onEvent?: OnLinkEvent | undefined;
  /** Counts handshakes that failed for another reason than the key: ZAP counts those. */
  readonly refused?: RefusalCount;
}

/**
 * Tells of connections until the socket is closed.
 *
 * ZeroMQ's own thread waits where a thousand events have not been read, and with it every socket of this process. So a socket
 * that strangers can reach is watched only where the main thread never computes for long: in the coordinator, not in a worker.
 */
export function watchLink(socket: Socket, { onEvent, refused }: Watch): void {
  const { events } = socket;
  let connections = 0;
  const failed = (detail: string, brokeOff = false): void => {
    onEvent?.({ kind: 'handshake failed', detail, brokeOff });
  };
  events.on('handshake', ({ address }) => {
    connections++;
    onEvent?.({ kind: 'connected', detail: address });
  });
  events.on('disconnect', ({ address }) => {
    // A handshake that failed ends with this too.
    if (connections === 0) return;
    connections--;
    onEvent?.({ kind: 'disconnected', detail: address });
  });
  events.on('handshake:error:auth', ({ address, error }) => {
    failed(`${address}: the key was refused (${error.status})`);
  });
  for (const kind of ['handshake:error:protocol', 'handshake:error:other'] as const)
    events.on(kind, ({ address, error }: Extract<Event, { type: typeof kind }>) => {
      refused?.add('handshake');
      failed(`${address}: ${reasons[error.code] ?? error.message}`, kind === 'handshake:error:other');
    });
}

const reasons: Readonly<Record<string, string>> = {
  EPIPE: 'the other end broke off: one of the two has not the key that the other expects',
  ERR_ZMTP_CRYPTOGRAPHIC: 'it was made for another key',
  ERR_ZMTP_MECHANISM_MISMATCH: 'one end has keys, and the other has none',
};
