import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { Fault } from '../support/faults.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { chaosRun, harmsLinks, type Expected } from './chaosRun.ts';
import { writeSmallNet } from './smallNet.ts';

/* Two moments of those that `npm run chaos` draws by the dozen. */

const folder = temporaryFolder();
let runFile: string;
let quiet: Expected;

beforeAll(async () => {
  runFile = await writeSmallNet(join(folder, 'net'));
  const { outcome, sockets, problems } = await chaosRun({ folder: join(folder, 'quiet'), runFile }, []);
  if (!outcome) throw new Error(`the run that nothing befell went wrong: ${problems.join('; ')}`);
  quiet = { outcome, sockets };
}, 120_000);

test('the sockets of every process of a run are counted', () => {
  const processes = ['coordinator', 'lamp loader', 'lamp worker 0', 'lamp worker 1'];
  expect(Object.keys(quiet.sockets ?? {}).toSorted()).toEqual(processes);
});

test.each<readonly [what: string, faults: readonly Fault[], recoveries: number]>([
  ['a worker is killed', [{ kind: 'kill', victim: 'worker 0' }], 1],
  ['a link between workers is cut in the middle of a message', [{ kind: 'cut', link: 'data', bytes: 5000 }], 0],
])('a run in which %s ends as if nothing had happened', { timeout: 120_000 }, async (what, faults, recoveries) => {
  const blows = faults.map((fault) => ({ step: 13, milliseconds: 10, fault }));
  const result = await chaosRun({ folder: join(folder, what.replaceAll(' ', '-')), runFile }, blows, {
    outcome: quiet.outcome,
    // Elsewhere there are others.
    sockets: harmsLinks(blows) ? undefined : quiet.sockets,
  });
  expect(result.problems).toEqual([]);
  expect(result.landed).toEqual(blows);
  expect(result.recoveries.length).toBeGreaterThanOrEqual(recoveries);
});
