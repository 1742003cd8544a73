import { Command } from 'commander';
import pc from 'picocolors';
import { freeDisk } from '../engine/install/disk.ts';
import type { InstallError } from '../engine/install/installError.ts';
import { engineCache } from '../engine/install/location.ts';
import { probeEngine } from '../engine/install/probe.ts';
import type { WheelVariant } from '../engine/install/recipe.ts';
import { setUpEngine, type SetUpOutcome } from '../engine/install/setUp.ts';
import { SLOW_LINE } from '../engine/install/state.ts';
import { exitCodes, InputError } from './exit.ts';
import { interruptible } from './interrupt.ts';
import { setupReport } from './setupReport.ts';

interface Flags {
  readonly gpu?: true;
  readonly cpu?: true;
  readonly force?: true;
  readonly strict?: true;
  readonly json?: true;
}

const example = `
The engine is tfjs-node's JavaScript with its addon built against today's TensorFlow. It is kept in ~/.cache/lamp
(or $XDG_CACHE_HOME/lamp, or $LAMP_CACHE), so that a reinstall fetches nothing again.

Example:
  $ lamp setup --gpu
`;

/** `lamp setup`: makes the compute engine ready; does nothing where it is. */
export function setupCommand(): Command {
  return new Command('setup')
    .description('make the compute engine ready')
    .option('--gpu', "TensorFlow for NVIDIA GPUs with CUDA's libraries (the default where the driver runs)")
    .option('--cpu', 'TensorFlow for CPUs (the default elsewhere)')
    .option('--force', 'build it anew where it is there')
    .option('--strict', 'exit code 1 where the engine that was wanted cannot be had')
    .option('--json', 'print the outcome as JSON')
    .addHelpText('after', example)
    .action(setUp);
}

async function setUp(flags: Flags): Promise<void> {
  if (flags.gpu && flags.cpu) throw new InputError('--gpu and --cpu exclude each other; give one of them.');
  const variant: WheelVariant | undefined = flags.gpu ? 'gpu' : flags.cpu ? 'cpu' : undefined;
  // With --json the standard output is for the program that reads it.
  const report = setupReport(flags.json ? process.stderr : process.stdout);
  const probe = (addon: string, signal: AbortSignal) => probeEngine(addon, signal);
  const outcome = await interruptible(process.stderr, (signal) =>
    setUpEngine(
      { variant, force: flags.force },
      { cache: engineCache(), env: process.env, signal, report, probe, freeDisk },
    ),
  ).finally(() => report.stop());
  process.stdout.write(flags.json ? `${JSON.stringify(outcomeAsJson(outcome))}\n` : describeOutcome(outcome));
  if (flags.strict && (outcome.kind === 'plain' || outcome.faults.length > 0)) process.exitCode = exitCodes.failed;
}

function describeOutcome(outcome: SetUpOutcome): string {
  if (outcome.kind === 'plain') return `${pc.red('✗')} ${pc.bold(SLOW_LINE)}\n`;
  const { engine, fresh } = outcome;
  return `${pc.green('✓')} engine    ${engine.variant}: ${engine.directory}${fresh ? '' : ' (nothing to do)'}\n`;
}

function outcomeAsJson(outcome: SetUpOutcome): unknown {
  const faults = outcome.faults.map(({ fault, message, remedy, log }: InstallError) => ({
    fault,
    message,
    remedy,
    log,
  }));
  if (outcome.kind === 'plain') return { engine: 'cpu', faults };
  const { engine, fresh } = outcome;
  return { engine: 'tensorflow', variant: engine.variant, directory: engine.directory, fresh, faults };
}
