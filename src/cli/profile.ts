import { Command } from 'commander';
import type { CliContext } from './context.ts';
import { InputError } from './exit.ts';
import { interruptible } from './interrupt.ts';
import { loadRun } from './loadRun.ts';
import { overridesOf, runFileOptions, setOption, type RunFileFlags } from './options.ts';
import { askedPhases, forPhases, phaseField, phaseOption, phaseTitle, type AskedPhase } from './phases.ts';
import { describeProfile } from './profileReport.ts';
import type { MeasuredRun } from './services.ts';

interface Flags {
  readonly force?: true;
  readonly output?: string;
  readonly phase?: string;
  readonly json?: true;
}

const example = `
What is measured holds for one network, one shape of micro-batch and one set of workers, and is kept: runs and plans for which
it holds use it, others measure for themselves.

Example:
  $ lamp profile examples/brain9/run.yaml --workers 2
`;

/** `lamp profile RUN.yaml`: what every cell and every link costs. */
export function profileCommand(context: CliContext): Command {
  const command = new Command('profile')
    .description('measure what every cell and every link of a run costs')
    .argument('<run.yaml>', 'the run file (docs/run-file.md)');
  for (const option of runFileOptions(['workers', 'micro-batches', 'engine', 'threads'])) command.addOption(option);
  return command
    .addOption(setOption())
    .addOption(phaseOption())
    .option('--force', 'measure although it is known')
    .option('--output <file>', 'write the profile there, too (lamp plan --profile reads it)')
    .option('--json', 'print the profiles and the bytes of every cell as JSON')
    .addHelpText('after', example)
    .action(async (file: string, flags: Flags & RunFileFlags) => {
      const { out, err, services } = context;
      const { run, baseDirectory } = loadRun(file, overridesOf(flags));
      const { force, output } = flags;
      const phases = askedPhases(run, flags.phase);
      if (output !== undefined && phases.length > 1)
        throw new InputError('--output is for the profile of one phase: say which with --phase');
      const measured = await interruptible(err, (signal) =>
        forPhases(phases, async (phase) => ({
          phase,
          profiles: await services.profileRun({ run: phase.run, baseDirectory, force, output, signal }),
        })),
      );
      if (flags.json) out.write(`${JSON.stringify(measured.flatMap(dataOf))}\n`);
      else out.write(`${measured.map(describe).join('\n\n\n')}\n`);
    });
}

interface MeasuredPhase {
  readonly phase: AskedPhase;
  readonly profiles: readonly MeasuredRun[];
}

const dataOf = ({ phase, profiles }: MeasuredPhase): object[] =>
  profiles.map((profile) => ({ ...phaseField(phase), ...profile }));

const describe = ({ phase, profiles }: MeasuredPhase): string =>
  phaseTitle(phase) + profiles.map(describeProfile).join('\n\n');
