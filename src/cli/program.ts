import { Command } from 'commander';
import { environmentVariables } from '../config/environment.ts';
import { lampVersion } from '../config/version.ts';
import { benchCommand } from './bench.ts';
import { checkpointCommand } from './checkpoint.ts';
import type { CliContext } from './context.ts';
import { doctorCommand } from './doctor.ts';
import { exportCommand } from './export.ts';
import { evaluateCommand } from './evaluate.ts';
import { inspectCommand } from './inspect.ts';
import { keysCommand } from './keys.ts';
import { logsCommand } from './logs.ts';
import { parityCommand } from './parity.ts';
import { phantomCommand } from './phantom.ts';
import { planCommand } from './plan.ts';
import { predictCommand } from './predict.ts';
import { profileCommand } from './profile.ts';
import { setupCommand } from './setup.ts';
import { trainCommand } from './train.ts';
import { workerCommand } from './worker.ts';

const epilogue = `
Exit codes:
  0    done
  1    failed; parity: a case differs, or none was run; inspect: a file is wrong; checkpoint verify: one is damaged
  2    an option, a run file or an input that cannot be used; nothing was started
  75   train: stopped by SIGTERM, with a checkpoint: start it again with --resume; worker: the run was stopped
  130  stopped by Ctrl-C (143: by SIGTERM)

Environment:
${Object.entries(environmentVariables)
  .map(([name, meaning]) => `  ${name.padEnd(12)}${meaning}`)
  .join('\n')}

Example:
  $ lamp train examples/brain9/run.yaml --workers 2
`;

/** The whole command line. */
export function createProgram(context: CliContext): Command {
  const program = new Command('lamp')
    .description('Trains 3D segmentation networks that are too large for one GPU, on whole medical volumes.')
    .version(lampVersion())
    .option('--verbose', 'print stack traces with errors; train: log every action, and print the log, too')
    .addHelpText('after', epilogue);
  const commands = [
    trainCommand(context),
    workerCommand(context),
    profileCommand(context),
    planCommand(context),
    predictCommand(context),
    evaluateCommand(context),
    phantomCommand(context),
    inspectCommand(context),
    logsCommand(context),
    parityCommand(context),
    benchCommand(context),
    exportCommand(context, lampVersion()),
    checkpointCommand(context),
    keysCommand(context),
    doctorCommand(),
    setupCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...commands, ...commands.flatMap((each) => each.commands)]) {
    // Throwing, not ending: one place turns errors into an exit code.
    command.exitOverride().showHelpAfterError(`(${fullName(command)} --help explains)`);
    command.configureOutput({
      writeOut: (text) => void context.out.write(text),
      writeErr: (text) => void context.err.write(text),
    });
  }
  return program;
}

/** As it is typed: `lamp checkpoint ls`. */
const fullName = (command: Command): string =>
  command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
