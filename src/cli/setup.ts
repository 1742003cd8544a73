import { Command } from 'commander';
import { engineState } from '../engine/install/state.ts';

/** `lamp setup`: makes the engine ready. */
export function setupCommand(): Command {
  return new Command('setup').description('Make the compute engine ready.').action(() => {
    process.stdout.write(`engine: ${engineState().kind}\n`);
  });
}
