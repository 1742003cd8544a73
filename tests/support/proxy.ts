import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { ProxyPipe, type Wire } from './proxyPipe.ts';

/** What goes through is late by so many milliseconds, and is no more than so many bytes a second in each direction. */
export interface LinkLimits {
  readonly milliseconds?: number;
  readonly bytesPerSecond?: number;
}

export interface ProxyOptions {
  /** The address to listen on. */
  readonly host: string;
  /** The address to forward to. */
  readonly target: string;
}

/** `frozen`: nothing moves and nobody is told, as when a cable is pulled. `refusing`: whoever connects is put out at once. */
type State = 'open' | 'frozen' | 'refusing';

interface Connection {
  readonly sockets: readonly [client: Socket, server: Socket];
  readonly pipes: readonly [there: ProxyPipe, back: ProxyPipe];
}

/**
 * Forwards TCP connections from one address to another, and harms them on demand. All its ports share one link: its state,
 * its delay, and its bytes a second in each direction.
 */
export class Proxy {
  readonly #options: ProxyOptions;
  readonly #servers: Server[] = [];
  readonly #connections = new Set<Connection>();
  readonly #there: Wire = this.#wire();
  readonly #back: Wire = this.#wire();
  #state: State = 'open';
  #limits: LinkLimits = {};
  /** Bytes until the connection that carries the last of them is closed. */
  #left = Infinity;
  #forwarded = 0;

  constructor(options: ProxyOptions) {
    this.#options = options;
  }

  /** Listens on a port (0: one that the system chooses) and forwards to another; returns the port that it listens on. */
  async forward(port: number, to: number = port): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client, to));
    server.listen(port, this.#options.host);
    await once(server, 'listening');
    this.#servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  /** Bytes that were passed on, in both directions. */
  get forwarded(): number {
    return this.#forwarded;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** For what comes from now on; without limits it goes through as it comes. */
  limit(limits: LinkLimits): void {
    this.#limits = limits;
  }

  /** Closes all connections; new ones are welcome. */
  drop(): void {
    for (const { sockets } of this.#connections) for (const socket of sockets) socket.resetAndDestroy();
  }

  /** Closes the connection over which the n-th byte from now goes, behind that byte. Once. */
  cutAfter(bytes: number): void {
    this.#left = bytes;
  }

  /** Nothing is forwarded any more, nor is it told that anybody closed; what comes is kept for `heal`. */
  freeze(): void {
    this.#state = 'frozen';
  }

  /** Closes all connections, and every new one. */
  refuse(): void {
    this.#state = 'refusing';
    this.drop();
  }

  /** As if nothing had been: open and without limits. */
  heal(): void {
    this.#state = 'open';
    this.#limits = {};
    this.#left = Infinity;
    for (const { pipes } of this.#connections) for (const pipe of pipes) pipe.flush();
  }

  /** Listens no more and closes every connection; resolves when no socket is left. */
  async close(): Promise<void> {
    const sockets = [...this.#connections].flatMap((connection) => connection.sockets);
    const servers = this.#servers.splice(0);
    const closed = [...servers, ...sockets.filter((socket) => !socket.closed)].map(
      (each) => new Promise((resolve) => each.once('close', resolve)),
    );
    for (const server of servers) server.close();
    this.refuse();
    await Promise.all(closed);
  }

  #accept(client: Socket, port: number): void {
    if (this.#state === 'refusing') {
      // Somebody who was already gone when the connection was taken up.
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const server = connect({ host: this.#options.target, port, allowHalfOpen: true });
    const pipes = [new ProxyPipe(client, server, this.#there), new ProxyPipe(server, client, this.#back)] as const;
    const connection: Connection = { sockets: [client, server], pipes };
    this.#connections.add(connection);
    for (const socket of connection.sockets) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.once('close', () => {
        if (client.destroyed && server.destroyed) this.#connections.delete(connection);
      });
    }
  }

  #wire(): Wire {
    return {
      free: 0,
      frozen: () => this.#state === 'frozen',
      milliseconds: () => this.#limits.milliseconds ?? 0,
      bytesPerSecond: () => this.#limits.bytesPerSecond ?? Infinity,
      take: (wanted) => {
        const passed = Math.min(wanted, this.#left);
        const cut = passed === this.#left;
        this.#left = cut ? Infinity : this.#left - passed;
        this.#forwarded += passed;
        return { passed, cut };
      },
    };
  }
}
