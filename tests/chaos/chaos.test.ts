import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { Fault } from '../support/faults.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { chaosRun } from './chaosRun.ts';
import type { Outcome } from './outcome.ts';
import { writeSmallNet } from './smallNet.ts';

/* Four moments of those that `npm run chaos` draws by the dozen. */

const folder = temporaryFolder();
let runFile: string;
let quiet: Outcome;

beforeAll(async () => {
  runFile = await writeSmallNet(join(folder, 'net'));
  const { outcome, problems } = await chaosRun({ folder: join(folder, 'quiet'), runFile }, []);
  if (!outcome) throw new Error(`the run that nothing befell went wrong: ${problems.join('; ')}`);
  quiet = outcome;
}, 120_000);

test.each<readonly [what: string, faults: readonly Fault[], recoveries: number]>([
  ['a worker is killed', [{ kind: 'kill', victim: 'worker 0' }], 1],
  ['a worker stands still and never goes on', [{ kind: 'stop', victim: 'worker 1' }], 1],
  ['the coordinator is killed, and another goes on', [{ kind: 'resume' }], 1],
  ['a link between workers is cut in the middle of a message', [{ kind: 'cut', link: 'data', bytes: 5000 }], 0],
])('a run in which %s ends as if nothing had happened', { timeout: 120_000 }, async (what, faults, recoveries) => {
  const blows = faults.map((fault) => ({ step: 13, milliseconds: 10, fault }));
  const result = await chaosRun({ folder: join(folder, what.replaceAll(' ', '-')), runFile }, blows, quiet);
  expect(result.problems).toEqual([]);
  expect(result.landed).toEqual(blows);
  expect(result.recoveries.length).toBeGreaterThanOrEqual(recoveries);
});
