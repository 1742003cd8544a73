import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ControlServer } from '../../src/transport/control.ts';
import { readKeyFile, writeKeyFiles } from '../../src/transport/keyFile.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
const files = writeKeyFiles(join(folder, 'keys'), { force: false });
const { keys, peerKey } = readKeyFile(files.coordinator.file, 'coordinator');

const heartbeat = z.strictObject({
  kind: z.literal('heartbeat'),
  doing: z.enum(['idle', 'computing', 'waiting']),
  progress: z.number().int().nonnegative(),
});
const fixture = fileURLToPath(new URL('../fixtures/transport/heart.mjs', import.meta.url));

let server: ControlServer<z.infer<typeof heartbeat>, z.infer<typeof heartbeat>>;
let child: ChildProcess | undefined;
afterEach(async () => {
  child?.kill('SIGKILL');
  server.close();
});

const start = async (): Promise<ChildProcess> => {
  const security = { keys, admits: (key: string) => key === peerKey };
  server = await ControlServer.bind({ incoming: heartbeat, outgoing: heartbeat, security });
  const args = [fixture, server.endpoint, files.worker.file];
  child = spawn(process.execPath, args, { stdio: 'ignore' });
  return child;
};

const soon = (): AbortSignal => AbortSignal.timeout(30_000);

describe('a heart', () => {
  it('tells what the main thread is at while that hears nothing, whoever listens', async () => {
    const process = await start();
    const progress: number[] = [];
    for await (const { peer, message } of server.messages(soon())) {
      expect({ peer, ...message }).toMatchObject({ peer: 'worker 0 (heart)', kind: 'heartbeat', doing: 'computing' });
      if (message.kind === 'heartbeat') progress.push(message.progress);
      if (progress.length >= 10) break;
    }
    expect(process.exitCode ?? process.signalCode).toBeNull();
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(progress.at(-1)).toBeGreaterThan(progress[0]!);
  });

  it.runIf(existsSync('/proc/self/environ'))('keeps its key out of the process list', async () => {
    const { pid } = await start();
    const { value } = await server.messages(soon()).next();
    expect(value).toBeDefined();
    const { secretKey } = readKeyFile(files.worker.file, 'worker').keys;
    for (const what of ['cmdline', 'environ'])
      expect(readFileSync(`/proc/${pid}/${what}`, 'utf8')).not.toContain(secretKey);
  });
});

describe('an echo', () => {
  it('for somebody who is not there is nothing, and harms nobody', async () => {
    server = await ControlServer.bind({ incoming: heartbeat, outgoing: heartbeat });
    await expect(server.echo('nobody')).resolves.toBeUndefined();
    server.close();
    await expect(server.echo('nobody')).resolves.toBeUndefined();
  });
});
