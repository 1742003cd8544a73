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
  readonly limitBytes: number;
  /** What somebody waits for, and what came instead. */
  readonly awaited: readonly string[];
  readonly arrived: readonly string[];

  constructor(
    link: string,
    limit: { readonly messages: number; readonly bytes: number },
    awaited: readonly string[],
    arrived: readonly string[],
  ) {
    super(
      `${arrived.length} messages from ${link} lie unclaimed, at most ${limit.messages} of ${limit.bytes} bytes together may; ` +
        `awaited: ${awaited.join(', ') || 'nothing'}; ` +
        `arrived: ${arrived.slice(0, 4).join(', ')}${arrived.length > 4 ? ', …' : ''}; the schedules of both ends must agree`,
    );
    this.link = link;
    this.limit = limit.messages;
    this.limitBytes = limit.bytes;
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

/** A socket that anybody could reach, and that would ask nobody for a key. */
export class InsecureAddressError extends Error {
  override readonly name = 'InsecureAddressError';
  readonly host: string;

  constructor(host: string) {
    super(
      `will not listen on ${host} without keys: whoever reaches it could take part in the run; ` +
        'make keys with `lamp keys` and give each process its file with --keys FILE, or listen on 127.0.0.1',
    );
    this.host = host;
  }
}

/** None of the ports that may be taken is free. */
export class PortsTakenError extends Error {
  override readonly name = 'PortsTakenError';
  readonly host: string;
  readonly from: number;
  readonly to: number;

  constructor(host: string, from: number, to: number) {
    super(`no port from ${from} to ${to} is free on ${host}: give a wider range, or end what holds them`);
    this.host = host;
    this.from = from;
    this.to = to;
  }
}

/** An address or a range of ports that somebody typed and that is none. */
export class AddressSyntaxError extends Error {
  override readonly name = 'AddressSyntaxError';
  readonly text: string;

  constructor(what: 'address' | 'range of ports', text: string, expected: string) {
    super(`'${text}' is no ${what}: expected ${expected}`);
    this.text = text;
  }
}

/** A key file that cannot be used, or made. Nothing of what stands in it is part of the message. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
  readonly path: string;

  constructor(path: string, detail: string, cause?: unknown) {
    super(`key file ${path}: ${detail}`, cause === undefined ? {} : { cause });
    this.path = path;
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

/** What was being done is no longer wanted: another process of the run was lost, and all begin anew. */
export class AbandonedError extends Error {
  override readonly name = 'AbandonedError';

  constructor() {
    super('the step was abandoned: another process of the run was lost');
  }
}
