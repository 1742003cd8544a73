import { createPrivateKey, createPublicKey } from 'node:crypto';
import { curveKeyPair } from 'zeromq';
import { fromZ85, toZ85 } from './z85.ts';

/** A pair of CURVE keys (Curve25519), each 32 bytes as 40 characters of Z85. */
export interface KeyPair {
  readonly publicKey: string;
  /** Never to be printed, logged, or put into an error message. */
  readonly secretKey: string;
}

/** How a socket that listens knows itself, and whom it lets in. */
export interface ServerSecurity {
  readonly keys: KeyPair;
  /** Whether the owner of this public key may connect; asked at every handshake. */
  readonly admits: (publicKey: string) => boolean;
}

/** How a socket that connects knows itself, and whom it takes for the one that it wants. */
export interface ClientSecurity {
  readonly keys: KeyPair;
  /** The public key of the socket that listens. */
  readonly serverKey: string;
}

export const newKeyPair = (): KeyPair => {
  const { publicKey, secretKey } = curveKeyPair();
  return { publicKey, secretKey };
};

/** Whether this is 32 bytes in Z85. */
export const isKey = (text: string): boolean => text.length === 40 && fromZ85(text) !== undefined;

/** The public key that belongs to a secret one. */
export const publicKeyOf = (secretKey: string): string => {
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_X25519, fromZ85(secretKey)!]),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return toZ85(spki.subarray(spki.length - 32));
};

/** What stands before the 32 bytes of an X25519 key in PKCS #8 (RFC 8410, section 7). */
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex');
