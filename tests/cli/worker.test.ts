import { join } from 'node:path';
import { expect, test } from 'vitest';
import { services, type Services } from '../../src/cli/services.ts';
import { RefusedError, RunEndedError } from '../../src/coordinator/agent/errors.ts';
import { LampProcess } from '../support/lampProcess.ts';
import { leftOf, until } from '../support/processes.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { lampWith } from './lamp.ts';

const folder = temporaryFolder();
const coordinator = 'tcp://127.0.0.1:9';
const words = ['worker', '--coordinator', coordinator];

const serveHost: Services['serveHost'] = async ({ report }) => {
  report({ kind: 'started', process: 0, pid: 7, device: 'GPU 1' });
  report({ kind: 'joined', process: 0 });
  report({ kind: 'seated', process: 0, role: 'worker 3' });
  report({ kind: 'restarting', process: 0, problem: 'its process ended with code 1', seconds: 2 });
};
const serveBadly =
  (error: Error): Services['serveHost'] =>
  async () => {
    throw error;
  };

test('lamp worker tells a person what its processes are at', async () => {
  expect(await lampWith({ serveHost }, ...words)).toEqual({
    code: 0,
    out: `process 0 (pid 7, GPU 1): waiting for ${coordinator}
process 0: joined
process 0: worker 3
process 0: its process ended with code 1; starting another in 2 s
the run has ended
`,
    err: '',
  });
});

test('lamp worker --json tells the same as lines', async () => {
  const { code, out } = await lampWith({ serveHost }, ...words, '--json');
  const events = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string });
  expect([code, events.map(({ kind }) => kind)]).toEqual([0, ['started', 'joined', 'seated', 'restarting']]);
});

test.each([
  ['1 where the run failed', new RunEndedError('out of memory', false), 1, 'the run has ended: out of memory'],
  ['75 where it was stopped', new RunEndedError('stopped by SIGTERM', true), 75, 'start this again when the run goes'],
  ['1 where it is refused', new RefusedError(coordinator, 'it is old'), 1, 'cannot work together: it is old'],
])('lamp worker ends with %s, and says why', async (_, error, code, text) => {
  const ended = await lampWith({ serveHost: serveBadly(error) }, ...words);
  expect([ended.code, ended.out]).toEqual([code, '']);
  expect(ended.err).toContain(text);
});

test.each([
  ['an address that is none', ['--coordinator', '10.0.0.5:7700'], "'10.0.0.5:7700' is no address: expected tcp://HOST"],
  ['a port that is none', ['--coordinator', 'tcp://a:0'], 'expected ports from 1 to 65535'],
  ['a range of ports that is none', [...words.slice(1), '--ports', '9-8'], "'9-8' is no range of ports"],
  ['keys that are not there', [...words.slice(1), '--keys', join(folder, 'none.key')], `key file ${folder}/none.key`],
])('lamp worker refuses %s before it starts anything', async (_, flags, text) => {
  const { code, out, err } = await lampWith(services, 'worker', ...flags);
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain(text);
});

test('lamp worker says what to look for where nobody answers', async () => {
  const { code, out, err } = await lampWith(services, ...words, '--workers', '1', '--wait', '1');
  expect([code, out]).toEqual([1, expect.stringMatching(/^process 0 \(pid \d+, \S+.*\): waiting for tcp:\S+\n$/)]);
  expect(err).toContain(`no answer from a coordinator at ${coordinator} for 1 s`);
  expect(err).toContain('does a firewall let this host through to it');
});

test('lamp worker that is stopped ends its processes, and says by what', async () => {
  const lamp = new LampProcess([...words, '--workers', '2', '--json']);
  await until(() => lamp.events('started').length === 2);
  lamp.kill('SIGTERM');
  expect(await lamp.ended).toBe(143);
  expect(lamp.err).toContain('stopped by SIGTERM');
  expect(
    await leftOf(
      lamp.events<{ pid: number }>('started').map(({ pid }) => pid),
      0,
    ),
  ).toEqual([]);
});
