import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Fleet } from '../../../src/coordinator/fleet/fleet.ts';
import { leftOf } from '../../support/processes.ts';

const entry = fileURLToPath(new URL('../../fixtures/fleet/hanging.mjs', import.meta.url));

test('a process that lives and gets no further is given up, and ended', { timeout: 30_000 }, async () => {
  const fleet = await Fleet.open({ signal: new AbortController().signal, hangMilliseconds: 2000 });
  try {
    await fleet.spawn('worker 0', { entry, environment: {} });
    const pid = fleet.pid('worker 0');
    const asked = fleet.request('worker 0', 'start', { engine: { name: 'auto' } });
    await expect(asked).rejects.toMatchObject({
      peer: 'worker 0',
      during: 'start',
      cause: { name: 'HangError', message: expect.stringMatching(/^it has computed for \d+ s and got no further/) },
    });
    expect(await fleet.regroup()).toEqual(['worker 0']);
    expect(await leftOf([pid], 1000)).toEqual([]);
  } finally {
    await fleet.close();
  }
});
