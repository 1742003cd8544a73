import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { KeyFileError } from '../../src/transport/errors.ts';
import { readKeyFile, writeKeyFiles } from '../../src/transport/keyFile.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
let count = 0;
const fresh = (): string => join(folder, String(count++));
const modeOf = (path: string): number => statSync(path).mode & 0o777;

const failure = (action: () => unknown): KeyFileError => {
  try {
    action();
  } catch (error) {
    if (error instanceof KeyFileError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('key files', () => {
  it('are made as a pair that knows one another, and only their owner can read them', () => {
    const made = writeKeyFiles(fresh(), { force: false });
    const coordinator = readKeyFile(made.coordinator.file, 'coordinator');
    const worker = readKeyFile(made.worker.file, 'worker');
    expect(coordinator.peerKey).toBe(worker.keys.publicKey);
    expect(worker.peerKey).toBe(coordinator.keys.publicKey);
    expect(coordinator.keys.secretKey).not.toBe(worker.keys.secretKey);
    expect(made.worker.publicKey).toBe(worker.keys.publicKey);
    expect([made.coordinator.file, made.worker.file].map(modeOf)).toEqual([0o600, 0o600]);
    expect(JSON.stringify(made)).not.toContain(worker.keys.secretKey);
  });

  it('that are there are kept, unless they are to be replaced', () => {
    const where = fresh();
    const { coordinator, worker } = writeKeyFiles(where, { force: false });
    const before = readFileSync(worker.file, 'utf8');
    expect(failure(() => writeKeyFiles(where, { force: false })).message).toContain('--force replaces it');
    expect(readFileSync(worker.file, 'utf8')).toBe(before);
    chmodSync(worker.file, 0o644);
    writeKeyFiles(where, { force: true });
    expect(readFileSync(worker.file, 'utf8')).not.toBe(before);
    expect(modeOf(worker.file)).toBe(0o600);
    expect(readKeyFile(coordinator.file, 'coordinator').peerKey).toBe(
      readKeyFile(worker.file, 'worker').keys.publicKey,
    );
  });

  it('are made both or not at all', () => {
    const where = fresh();
    mkdirSync(where);
    writeFileSync(join(where, 'worker.key'), 'kept');
    expect(failure(() => writeKeyFiles(where, { force: false })).path).toBe(join(where, 'worker.key'));
    expect(readdirSync(where)).toEqual(['worker.key']);
  });

  it.each(['0644', '0640', '0604', '0660'])('with mode %s are refused, with the line that mends it', (mode) => {
    const { worker } = writeKeyFiles(fresh(), { force: false });
    chmodSync(worker.file, Number.parseInt(mode, 8));
    const { message } = failure(() => readKeyFile(worker.file, 'worker'));
    expect(message).toContain(`its mode ${mode} lets others read it`);
    expect(message).toContain(`chmod 600 ${worker.file}`);
  });

  it('of the other role, missing, or no files at all are refused', () => {
    const where = fresh();
    const { coordinator, worker } = writeKeyFiles(where, { force: false });
    expect(failure(() => readKeyFile(coordinator.file, 'worker')).message).toContain("it is the coordinator's key");
    expect(failure(() => readKeyFile(worker.file, 'coordinator')).message).toContain('give coordinator.key');
    expect(failure(() => readKeyFile(join(where, 'none'), 'worker')).message).toContain('`lamp keys` makes one');
    expect(failure(() => readKeyFile(where, 'worker')).message).toContain('it is no key file');
    writeFileSync(join(where, 'big'), 'x'.repeat(5000), { mode: 0o600 });
    expect(failure(() => readKeyFile(join(where, 'big'), 'worker')).message).toContain('it is no key file');
  });

  it('that are damaged are refused, and no key is in the error, its cause or its fields', () => {
    const where = fresh();
    const { worker } = writeKeyFiles(where, { force: false });
    const { keys, peerKey } = readKeyFile(worker.file, 'worker');
    const text = readFileSync(worker.file, 'utf8');
    const { secretKey } = readKeyFile(writeKeyFiles(fresh(), { force: false }).worker.file, 'worker').keys;
    const damaged: [string, string][] = [
      [text.replace('secret_key: ', 'secret_kye: '), 'line 4 is not one of'],
      [text.replace('secret_key: ', 'secret_key:'), 'line 4 is not one of'],
      [`${text}secret_key: ${keys.secretKey}\n`, 'line 6 is not one of'],
      [text.replace(/secret_key: .*\n/, ''), 'secret_key is missing'],
      [text.replace(keys.secretKey, keys.secretKey.slice(1)), 'secret_key is no key'],
      [text.replace(keys.secretKey, `~${keys.secretKey.slice(1)}`), 'secret_key is no key'],
      [text.replace(keys.secretKey, '#'.repeat(40)), 'secret_key is no key'],
      [text.replace(keys.secretKey, secretKey), 'do not belong together'],
      [text.replace('role: worker', `role: ${keys.secretKey}`), 'it is no key'],
      [keys.secretKey, 'line 1 is not one of'],
      ['', 'role and public_key and secret_key and peer_public_key is missing'],
    ];
    for (const [content, message] of damaged) {
      writeFileSync(worker.file, content);
      const error = failure(() => readKeyFile(worker.file, 'worker'));
      expect(error.message).toContain(message);
      const told = inspect(error, { depth: 10, showHidden: true }) + String(error.stack);
      for (const key of [keys.secretKey, secretKey, keys.secretKey.slice(1)]) expect(told).not.toContain(key);
      expect(told).not.toContain(peerKey);
    }
  });
});
