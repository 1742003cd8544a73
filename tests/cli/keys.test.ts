import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { lamp, lampWith } from './lamp.ts';

const folder = temporaryFolder();
const secretOf = (file: string): string => /secret_key: (.*)/.exec(readFileSync(file, 'utf8'))![1]!;

test('lamp keys makes both files, says where each goes, and prints nothing that is secret', () => {
  const where = join(folder, 'made');
  const { code, out, err } = lamp('keys', where);
  expect([code, err]).toEqual([0, '']);
  const files = ['coordinator.key', 'worker.key'].map((name) => join(where, name));
  expect(out).toContain(`${files[0]}  for the coordinator`);
  expect(out).toContain(`${files[1]}  for every host with workers`);
  for (const file of files) {
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(out).not.toContain(secretOf(file));
  }
});

test('lamp keys --json tells files and public keys', async () => {
  const where = join(folder, 'json');
  const { code, out } = await lampWith({}, 'keys', where, '--json');
  expect(code).toBe(0);
  const made = JSON.parse(out) as Record<'coordinator' | 'worker', { file: string; publicKey: string }>;
  for (const { file, publicKey } of [made.coordinator, made.worker]) {
    expect(readFileSync(file, 'utf8')).toContain(`public_key: ${publicKey}\n`);
    expect(out).not.toContain(secretOf(file));
  }
});

test('lamp keys replaces nothing unless it is forced to', async () => {
  const where = join(folder, 'again');
  await lampWith({}, 'keys', where);
  const before = secretOf(join(where, 'worker.key'));
  const { code, out, err } = await lampWith({}, 'keys', where);
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain('coordinator.key: it is there already: --force replaces it');
  expect(err).not.toContain(before);
  expect(secretOf(join(where, 'worker.key'))).toBe(before);
  expect((await lampWith({}, 'keys', where, '--force')).code).toBe(0);
  expect(secretOf(join(where, 'worker.key'))).not.toBe(before);
});
