import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Fleet } from '../../../src/coordinator/fleet/fleet.ts';
import { waitForHosts } from '../../../src/coordinator/hosts.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('the wait for hosts ends though memory is collected meanwhile', { timeout: 20_000 }, async () => {
  const door = { address: { host: '127.0.0.1' }, known: undefined };
  const fleet = await Fleet.open({ signal: new AbortController().signal, door });
  const collecting = setInterval(collect, 50);
  try {
    await expect(waitForHosts(fleet, { door, count: 1, wait: 0.5 })).rejects.toThrow('none came');
  } finally {
    clearInterval(collecting);
    await fleet.close();
  }
});
