import { expect, test } from 'vitest';
import { hostsOf } from '../../src/coordinator/costs.ts';

test('two hosts of one name are two in what is kept of their times', () => {
  const on = (host: string, agent: string) => ({ elsewhere: { id: `${host} ${agent}`, agent, host, memory: 1 } });
  const here = {};
  const devices = [on('node', 'a'), on('node', 'b'), on('node', 'a'), here, on('other', 'c'), on('node', 'd')];
  expect(hostsOf(devices)).toEqual(['node', 'node (2)', 'node', undefined, 'other', 'node (3)']);
});
