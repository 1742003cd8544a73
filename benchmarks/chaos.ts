import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chaosRun, harmsLinks, type Expected } from '../tests/chaos/chaosRun.ts';
import { describeRun, describeRuns, type ReportedRun } from '../tests/chaos/report.ts';
import { HEARTBEAT, STEPS, writeSmallNet } from '../tests/chaos/smallNet.ts';
import { drawFaults, linkFaults, processFaults, type FaultKind } from '../tests/support/faults.ts';
import { describeMachine, thisMachine } from './support/machine.ts';

/*
 * Runs of a small net that faults befall at random moments: each must end by itself, as the run that nothing befell, and leave nothing.
 *
 *     npm run chaos -- [--runs 50] [--seed S] [--first 0] [--kinds kill,stop,pause,resume,drop,cut,freeze,delay,throttle] [--keep]
 *
 * The same seed gives the same faults. `--first 17 --runs 1` is run 17 alone; `--keep` keeps the folders of runs that went wrong.
 */

const kinds: readonly FaultKind[] = [...processFaults, ...linkFaults];
const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    first: { type: 'string', default: '0' },
    kinds: { type: 'string', default: kinds.join(',') },
    keep: { type: 'boolean', default: false },
  },
});
const [count, seed, first] = [Number(options.runs), Number(options.seed), Number(options.first)];
const rules = {
  ...{ workers: 2, steps: STEPS, heartbeat: HEARTBEAT },
  kinds: kinds.filter((kind) => options.kinds.split(',').includes(kind)),
};

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const root = mkdtempSync(join(tmpdir(), 'lamp-chaos-'));
const runFile = await writeSmallNet(join(root, 'net'));
const began = performance.now();
const runs: ReportedRun[] = [];
try {
  print(`seed ${seed}; ${describeMachine(thisMachine())}`);
  const here = await quietRun('here', false);
  const elsewhere = await quietRun('elsewhere', true);
  for (let run = first; run < first + count; run++) {
    const folder = join(root, `run-${run}`);
    const blows = drawFaults(seed, run, rules);
    const result = await chaosRun({ folder, runFile }, blows, harmsLinks(blows) ? elsewhere : here);
    runs.push({ run, blows, result });
    print(describeRun(runs.at(-1)!));
    if (result.problems.length === 0 || !options.keep) rmSync(folder, { recursive: true, force: true });
    else print(`         kept: ${folder}`);
  }
  print(`\n${describeRuns(runs)}; seed ${seed}, ${((performance.now() - began) / 60_000).toFixed(1)} min`);
} finally {
  if (!options.keep) rmSync(root, { recursive: true, force: true });
}
process.exitCode = runs.some(({ result }) => result.problems.length > 0) ? 1 : 0;

/** What the others are held to. */
async function quietRun(place: string, elsewhere: boolean): Promise<Expected> {
  const { outcome, sockets, problems, seconds } = await chaosRun(
    { folder: join(root, place), runFile },
    [],
    undefined,
    elsewhere,
  );
  if (!outcome) throw new Error(`the run that nothing befell went wrong: ${problems.join('\n')}`);
  const counts = Object.entries(sockets).map(([name, { most }]) => `${name} ${most}`);
  print(`without a fault, ${place}: ${seconds.toFixed(1)} s; sockets: ${counts.join(', ')}`);
  return { outcome, sockets };
}
