import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { KeyFileError } from './errors.ts';
import { isKey, newKeyPair, publicKeyOf } from './keyPair.ts';
import type { KeyPair } from './keyPair.ts';

export type KeyRole = 'coordinator' | 'worker';

/** What a process knows from its key file: its own pair, and whom it talks to. */
export interface KnownKeys {
  readonly keys: KeyPair;
  /** The other role's public key: the coordinator admits the workers' alone, and workers know the coordinator by its. */
  readonly peerKey: string;
}

const OWNER_ONLY = 0o600;
const MAX_BYTES = 4096;
const FIELDS = ['role', 'public_key', 'secret_key', 'peer_public_key'] as const;
type Fields = Record<(typeof FIELDS)[number], string>;

export const keyFileName = (role: KeyRole): string => `${role}.key`;

/**
 * Makes `coordinator.key` and `worker.key` in a folder, for their owner's eyes only. Throws a KeyFileError where there is one
 * already, unless told to replace it.
 */
export function writeKeyFiles(
  folder: string,
  { force }: { force: boolean },
): Record<KeyRole, { file: string; publicKey: string }> {
  const pairs = { coordinator: newKeyPair(), worker: newKeyPair() };
  const fileOf = (role: KeyRole): string => join(folder, keyFileName(role));
  const textOf = (role: KeyRole, peer: KeyRole): string => format(role, pairs[role], pairs[peer].publicKey);
  write(folder, force, [
    [fileOf('coordinator'), textOf('coordinator', 'worker')],
    [fileOf('worker'), textOf('worker', 'coordinator')],
  ]);
  const made = (role: KeyRole) => ({ file: fileOf(role), publicKey: pairs[role].publicKey });
  return { coordinator: made('coordinator'), worker: made('worker') };
}

/** All files or none; a file that is there is replaced at once, or kept. */
function write(folder: string, force: boolean, files: readonly (readonly [path: string, text: string])[]): void {
  const written: string[] = [];
  let path = folder;
  try {
    mkdirSync(folder, { recursive: true });
    for (const [target, text] of files) {
      path = force ? `${target}.${process.pid}` : target;
      writeFileSync(path, text, { mode: OWNER_ONLY, flag: 'wx' });
      written.push(path);
    }
    if (force) for (const [i, [target]] of files.entries()) renameSync(written[i]!, target);
  } catch (error) {
    for (const each of written) rmSync(each, { force: true });
    if (codeOf(error) === 'EEXIST') throw new KeyFileError(path, 'it is there already: --force replaces it');
    throw new KeyFileError(path, `it cannot be written (${codeOf(error) ?? 'for an unknown reason'})`, error);
  }
}

const format = (role: KeyRole, { publicKey, secretKey }: KeyPair, peerKey: string): string => {
  const values = { role, public_key: publicKey, secret_key: secretKey, peer_public_key: peerKey } satisfies Fields;
  const lines = FIELDS.map((name) => `${name}: ${values[name]}\n`);
  return `# The key of LAMP's ${role}, made by \`lamp keys\`. Whoever can read it can take part in your runs.\n${lines.join('')}`;
};

/** The keys in a file that is for this role. Throws a KeyFileError; no key is ever part of its message. */
export function readKeyFile(path: string, role: KeyRole): KnownKeys {
  const fields = parse(path, read(path));
  if (fields.role !== role) {
    const other = fields.role === 'coordinator' || fields.role === 'worker' ? `the ${fields.role}'s` : 'no';
    throw new KeyFileError(path, `it is ${other} key, and the ${role}'s is needed: give ${keyFileName(role)}`);
  }
  for (const name of FIELDS.slice(1))
    if (!isKey(fields[name])) throw new KeyFileError(path, `${name} is no key: 40 characters of Z85 are expected`);
  const { public_key: publicKey, secret_key: secretKey, peer_public_key: peerKey } = fields;
  if (publicKeyOf(secretKey) !== publicKey)
    throw new KeyFileError(path, 'public_key and secret_key do not belong together');
  return { keys: { publicKey, secretKey }, peerKey };
}

/** The text of a file that nobody but its owner can read. */
function read(path: string): string {
  let file: number;
  try {
    // Never waiting: a pipe is no key file.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const why = codeOf(error) === 'ENOENT' ? 'there is no such file: `lamp keys` makes one' : 'it cannot be read';
    throw new KeyFileError(path, why, error);
  }
  try {
    const { mode, size } = fstatSync(file);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG || size > MAX_BYTES)
      throw new KeyFileError(path, 'it is no key file: `lamp keys` makes one');
    if ((mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0');
      throw new KeyFileError(path, `its mode ${octal} lets others read it: chmod 600 ${path}`);
    }
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/** `name: value` a line, and comments. */
function parse(path: string, text: string): Fields {
  const fields: Partial<Fields> = {};
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const name = FIELDS.find((each) => line.startsWith(`${each}: `));
    if (!name || fields[name] !== undefined)
      throw new KeyFileError(path, `line ${i + 1} is not one of ${FIELDS.join(', ')}, once each`);
    fields[name] = line.slice(name.length + 2).trim();
  }
  const missing = FIELDS.filter((name) => fields[name] === undefined);
  if (missing.length > 0)
    throw new KeyFileError(path, `${missing.join(' and ')} is missing: \`lamp keys\` makes a whole one`);
  return fields as Fields;
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
