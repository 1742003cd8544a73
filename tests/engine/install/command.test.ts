import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { runCommand, type CommandOptions } from '../../../src/engine/install/command.ts';

const options = (overrides: Partial<CommandOptions> = {}): CommandOptions => ({
  env: process.env,
  signal: new AbortController().signal,
  timeoutMs: 20_000,
  ...overrides,
});

/** Gone, or a zombie that nobody has collected. */
async function hasEnded(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat === undefined || / Z /.test(stat);
}

test('a program gives its exit code and what it printed last, from both streams', async () => {
  const result = await runCommand('/bin/sh', ['-c', 'echo one; echo two >&2; exit 3'], options());
  expect(result).toMatchObject({ kind: 'ended', code: 3 });
  expect([...result.tail].toSorted()).toEqual(['one', 'two']);
});

test('a program that is not there is a result of its own', async () => {
  expect(await runCommand('/nowhere/program', [], options())).toEqual({ kind: 'not started', tail: [] });
});

test('a program that takes too long is ended with its children', async () => {
  const script = 'sleep 60 & echo $!; wait';
  const result = await runCommand('/bin/sh', ['-c', script], options({ timeoutMs: 300 }));
  expect(result.kind).toBe('timed out');
  expect(await hasEnded(Number(result.tail[0]))).toBe(true);
});

test('a program that does not heed a polite end is killed', async () => {
  const script = "trap '' TERM; echo deaf; while :; do sleep 0.1; done";
  const result = await runCommand('/bin/sh', ['-c', script], options({ timeoutMs: 300 }));
  expect(result).toEqual({ kind: 'timed out', tail: ['deaf'] });
});

test('an abort throws its reason once the program has ended', async () => {
  const stop = new AbortController();
  let pid = 0;
  const onLine = (line: string): void => {
    pid = Number(line);
    stop.abort(new Error('enough'));
  };
  const running = runCommand('/bin/sh', ['-c', 'echo $$; sleep 60'], options({ signal: stop.signal, onLine }));
  await expect(running).rejects.toThrow('enough');
  expect(await hasEnded(pid)).toBe(true);
});
