import { Command } from 'commander';
import { setupCommand } from './setup.ts';

/** Runs the command that the arguments name. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('lamp').description('Trains networks that are too large for one GPU on whole volumes.');
  program.addCommand(setupCommand());
  await program.parseAsync([...argv]);
}
