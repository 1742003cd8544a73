import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ControlServer } from '../../src/transport/control.ts';

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a fixture under plain Node; kills it where it does not end. */
const run = (fixture: string, args: readonly string[] = []): Promise<Ended> => {
  const file = fileURLToPath(new URL(`../fixtures/transport/${fixture}.mjs`, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], { timeout: 20_000, killSignal: 'SIGKILL' });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
};

describe('a process with sockets', () => {
  it('ends by itself once they are closed, though messages were unsent and waits pending', async () => {
    expect(await run('everything')).toEqual({ code: 0, output: 'closed\n' });
  });

  it('lives through guards that come and go while those whom they let in leave', { timeout: 30_000 }, async () => {
    expect(await run('guards', ['300'])).toEqual({ code: 0, output: '' });
  });

  it('gets its last word out where it ends by itself', async () => {
    const note = z.strictObject({ kind: z.literal('note'), text: z.string() });
    const server = await ControlServer.bind({ incoming: note, outgoing: note });
    try {
      const ended = run('lastWord', [server.endpoint]);
      const items = server.messages(AbortSignal.timeout(20_000));
      const expected = { peer: 'worker 7', message: { kind: 'note', text: 'my last word' } };
      expect((await items.next()).value).toEqual(expected);
      expect(await ended).toEqual({ code: 3, output: '' });
    } finally {
      server.close();
    }
  });
});
