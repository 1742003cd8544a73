import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { RecomputeMode } from '../src/config/runFile.ts';
import { startEngine } from '../src/engine/index.ts';
import { compare, describeComparison } from './support/comparison.ts';
import { describeMachine, thisMachine } from './support/machine.ts';
import { median } from '../src/partition/spread.ts';
import { trainingStep } from './support/trainingStep.ts';

/*
 * Time and memory of one training step in one process, beside another program's.
 *
 *     npm run bench -- step [--features 16] [--size 64] [--threads N] [--micro-batches 1] [--recompute never]
 *                           [--rounds 5] [--steps 5] [--peer 'COMMAND' [--peer-name NAME]] [--json]
 *
 * A step is forward, backward and RMSprop of LAMP's parallel U-Net (depth 4, 10 classes, cross-entropy) on cubes of `size`, one
 * a micro-batch; all micro-batches go forward before the first goes back. COMMAND runs in a shell and prints a line of JSON with
 * `step_seconds` (of one step, when it has warmed up) and `peak_mib` (of the process, or a list of several). Every round gives
 * the median of its steps and its peak resident memory.
 */

const { values: options } = parseArgs({
  options: {
    features: { type: 'string', default: '16' },
    size: { type: 'string', default: '64' },
    threads: { type: 'string', default: String(availableParallelism()) },
    'micro-batches': { type: 'string', default: '1' },
    recompute: { type: 'string', default: 'never' },
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '5' },
    peer: { type: 'string' },
    'peer-name': { type: 'string', default: 'peer' },
    json: { type: 'boolean', default: false },
    /** Given by this program to the processes that it starts. */
    alone: { type: 'boolean', default: false },
  },
});
const features = Number(options.features);
const size = Number(options.size);
const threads = Number(options.threads);
const microBatches = Number(options['micro-batches']);
const recompute = options.recompute as RecomputeMode;

/** The program that is measured: it prints what a peer prints. */
async function stepAlone(): Promise<void> {
  const engine = await startEngine({ name: 'tensorflow', threads });
  const step = trainingStep(engine, { features, size, microBatches, recompute });
  const loss = step();
  const seconds = Array.from({ length: Number(options.steps) }, () => {
    const begin = performance.now();
    step();
    return (performance.now() - begin) / 1000;
  });
  process.stdout.write(`${JSON.stringify({ step_seconds: median(seconds), peak_mib: peakMib(), loss })}\n`);
}

/** VmHWM where there is one. */
function peakMib(): number {
  const status = process.platform === 'linux' ? readFileSync('/proc/self/status', 'utf8') : '';
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? process.resourceUsage().maxRSS) / 1024;
}

async function besidePeer(): Promise<void> {
  const machine = thisMachine();
  const date = new Date().toISOString().slice(0, 10);
  const program = [process.execPath, fileURLToPath(import.meta.url), '--alone', ...process.argv.slice(2)] as const;
  const peer = options.peer ? { name: options['peer-name'], command: options.peer } : undefined;
  const comparison = await compare({ name: 'LAMP', command: program }, peer, Number(options.rounds));
  const subject = { features, size, threads, micro_batches: microBatches, recompute };
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ ...subject, date, machine, ...comparison })}\n`);
    return;
  }
  const several = microBatches > 1 ? `, ${microBatches} micro-batches, recompute ${recompute}` : '';
  process.stdout.write(
    `n_feat ${features}, ${size}³${several}, ${threads} threads, median of ${options.rounds} rounds of ${options.steps} steps\n` +
      `${describeComparison(comparison)}\n  ${date}, ${describeMachine(machine)}\n`,
  );
}

await (options.alone ? stepAlone() : besidePeer());
