import { CommanderError } from 'commander';
import pc from 'picocolors';
import { wantsStack } from '../config/environment.ts';
import type { CliContext } from './context.ts';
import { exitCodeOf, explainError } from './exit.ts';
import { createProgram } from './program.ts';
import { services } from './services.ts';

/** Runs the command that `argv` (as `process.argv`) names, and leaves its exit code with the process. */
export async function main(argv: readonly string[]): Promise<void> {
  // A reader that has seen enough, such as `head`, is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  const code = await runCommand(argv.slice(2), { out: process.stdout, err: process.stderr, services });
  // A command of another kind may have set it itself.
  if (code !== 0) process.exitCode = code;
}

/** Runs one command line and returns its exit code; errors are told on `err`. */
export async function runCommand(words: readonly string[], environment: Omit<CliContext, 'exitCode'>): Promise<number> {
  const context: CliContext = { ...environment, exitCode: 0 };
  const program = createProgram(context);
  try {
    await program.parseAsync([...words], { from: 'user' });
    return context.exitCode;
  } catch (error) {
    // Commander has told its own.
    if (!(error instanceof CommanderError)) {
      const stack = wantsStack() || program.opts()['verbose'] === true;
      context.err.write(`${pc.red('✗')} ${explainError(error, { stack })}\n`);
    }
    return exitCodeOf(error);
  }
}
