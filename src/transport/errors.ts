/** What is wrong with a frame that arrived, or that somebody wanted to send. */
export type FrameFault = 'frames' | 'header' | 'field' | 'run' | 'size' | 'tooLarge';

/** A tensor message that cannot be trusted. It is dropped; the link goes on with the next one. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly reason: FrameFault;
  /** The peer at the other end of the link. */
  readonly link: string;

  constructor(reason: FrameFault, link: string, detail: string) {
    super(`bad tensor message on the link with ${link}: ${detail}`);
    this.reason = reason;
    this.link = link;
  }
}

/** More messages came than were asked for: the two ends do not follow the same schedule. The link is of no use afterwards. */
export class SetAsideError extends Error {
  override readonly name = 'SetAsideError';
  readonly link: string;
  readonly limit: number;
  /** What somebody waits for, and what came instead. */
  readonly awaited: readonly string[];
  readonly arrived: readonly string[];

  constructor(link: string, limit: number, awaited: readonly string[], arrived: readonly string[]) {
    super(
      `${arrived.length} messages from ${link} lie unclaimed, at most ${limit} may; awaited: ${awaited.join(', ') || 'nothing'}; ` +
        `arrived: ${arrived.slice(0, 4).join(', ')}${arrived.length > 4 ? ', …' : ''}; the schedules of both ends must agree`,
    );
    this.link = link;
    this.limit = limit;
    this.awaited = awaited;
    this.arrived = arrived;
  }
}

/** A wait on a socket that has been closed. */
export class LinkClosedError extends Error {
  override readonly name = 'LinkClosedError';
  readonly link: string;

  constructor(link: string, options?: ErrorOptions) {
    super(`the link with ${link} is closed`, options);
    this.link = link;
  }
}

/** An address that cannot be listened on or connected to. */
export class EndpointError extends Error {
  override readonly name = 'EndpointError';
  readonly endpoint: string;

  constructor(action: 'listen on' | 'connect to', endpoint: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`cannot ${action} ${endpoint}: ${why}; expected an address of this machine such as 127.0.0.1`, { cause });
    this.endpoint = endpoint;
  }
}

/** A control message for a peer that is not there (`unknown`), or that has stopped reading (`stalled`). */
export class PeerError extends Error {
  override readonly name = 'PeerError';
  readonly peer: string;
  readonly reason: 'unknown' | 'stalled';

  constructor(peer: string, reason: 'unknown' | 'stalled', options?: ErrorOptions) {
    super(
      reason === 'unknown'
        ? `no peer ${peer} is connected: it has not said hello yet, or it has gone`
        : `peer ${peer} has stopped reading its control messages`,
      options,
    );
    this.peer = peer;
    this.reason = reason;
  }
}

/** A control message that somebody wanted to send and that does not fit the schema: a fault of the sender's own code. */
export class ControlMessageError extends Error {
  override readonly name = 'ControlMessageError';
  readonly peer: string;

  constructor(peer: string, detail: string) {
    super(`control message to ${peer} not sent: ${detail}`);
    this.peer = peer;
  }
}
