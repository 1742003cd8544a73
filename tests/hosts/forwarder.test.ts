import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { freePorts } from '../chaos/launches.ts';
import { writeSmallNet } from '../chaos/smallNet.ts';
import { LampProcess } from '../support/lampProcess.ts';
import { until } from '../support/processes.ts';
import { Proxy } from '../support/proxy.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();

test(
  'a worker may come before its coordinator, behind what takes connections for it',
  { timeout: 90_000 },
  async () => {
    const runFile = await writeSmallNet(folder);
    const [port] = await freePorts(1);
    const proxy = new Proxy({ host: '127.0.0.2', target: '127.0.0.1' });
    await proxy.forward(port!);
    const worker = new LampProcess(['worker', '--coordinator', `tcp://127.0.0.2:${port}`, '--workers', '2', '--json']);
    try {
      await until(() => worker.events('started').length === 2);
      // Time for some attempts, which the proxy takes and breaks off.
      await Promise.race([worker.ended, setTimeout(1500)]);
      const words = ['--listen', `tcp://127.0.0.1:${port}`, '--hosts', '1', '--output', join(folder, 'runs')];
      const coordinator = new LampProcess(['train', runFile, '--json', ...words]);
      expect(await coordinator.ended, coordinator.err).toBe(0);
      expect(await worker.ended, worker.err).toBe(0);
    } finally {
      worker.kill('SIGKILL');
      await proxy.close();
    }
  },
);
