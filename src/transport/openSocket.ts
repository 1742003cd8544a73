import type { Socket } from 'zeromq';
import { context, localAddress } from './context.ts';
import type { RefusalCount } from './counters.ts';
import { EndpointError } from './errors.ts';
import type { ClientSecurity, ServerSecurity } from './keyPair.ts';
import { watchLink } from './linkEvents.ts';
import type { OnLinkEvent } from './linkEvents.ts';
import { listenOn } from './listenAddress.ts';
import type { ListenAddress } from './listenAddress.ts';
import { guard } from './zap.ts';

/** What every socket of ours is made with. */
interface CommonOptions {
  readonly context: typeof context;
  readonly ipv6: boolean;
}

type Make<S extends Socket> = (options: CommonOptions) => S;

interface Listening<S extends Socket> {
  readonly socket: S;
  /** What others connect to. */
  readonly endpoint: string;
  /** Closes the socket, and its guard with it. */
  readonly close: () => void;
}

export interface ListenOptions {
  /** Where it listens: this machine alone where nothing is said. */
  readonly address?: ListenAddress | undefined;
  /** Who may connect; without it anybody who can, which on anything but loopback is refused. */
  readonly security?: ServerSecurity | undefined;
}

interface Listener extends ListenOptions {
  /** What the guard refuses, and what fails before it comes to that where the socket is watched. */
  readonly refused: RefusalCount;
  /** Whom to tell of connections. See `watchLink` for which sockets may be watched. */
  readonly watch?: { readonly onEvent?: OnLinkEvent | undefined };
}

/** A socket that listens. Throws an InsecureAddressError, a PortsTakenError, or an EndpointError. */
export async function listenWith<S extends Socket>(
  make: Make<S>,
  { address, security, refused, watch }: Listener,
): Promise<Listening<S>> {
  const guarded = security && (await guard(security, refused));
  const options = { context, ipv6: address?.host.includes(':') ?? false, ...guarded?.options };
  const socket = make(options);
  const close = (): void => {
    socket.close();
    guarded?.close();
  };
  try {
    if (watch) watchLink(socket, { refused, ...watch });
    const endpoint = address ? await listenOn(socket, address, guarded !== undefined) : await listenLocally(socket);
    return { socket, endpoint, close };
  } catch (error) {
    close();
    throw error;
  }
}

async function listenLocally(socket: Socket): Promise<string> {
  const address = localAddress();
  try {
    await socket.bind(address);
    return socket.lastEndpoint ?? '';
  } catch (error) {
    throw new EndpointError('listen on', address, error);
  }
}

export interface ConnectOptions {
  readonly endpoint: string;
  readonly security?: ClientSecurity | undefined;
  readonly onEvent?: OnLinkEvent | undefined;
}

/** A socket that connects, now or as soon as somebody listens. Throws an EndpointError. */
export function connectWith<S extends Socket>(make: Make<S>, { endpoint, security, onEvent }: ConnectOptions): S {
  const keys = security ? clientOptions(security) : {};
  // Each attempt is an event or four: fewer and fewer, lest they pile up while this process computes.
  const patience = onEvent ? { reconnectInterval: 100, reconnectMaxInterval: 2000 } : {};
  const options = { context, ipv6: endpoint.includes('['), ...keys, ...patience };
  const socket = make(options);
  try {
    if (onEvent) watchLink(socket, { onEvent });
    socket.connect(endpoint);
    return socket;
  } catch (error) {
    socket.close();
    throw new EndpointError('connect to', endpoint, error);
  }
}

/** How a socket that connects shows itself, and whom it expects. */
const clientOptions = ({
  keys,
  serverKey,
}: ClientSecurity): Record<`curve${'Public' | 'Secret' | 'Server'}Key`, string> => ({
  curvePublicKey: keys.publicKey,
  curveSecretKey: keys.secretKey,
  curveServerKey: serverKey,
});
