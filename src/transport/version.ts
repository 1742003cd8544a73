import { version } from 'zeromq';

/** The version of the ZeroMQ library that the sockets are made by. */
export const zeroMqVersion = (): string => version;
