import { Command } from 'commander';
import type { CliContext } from './context.ts';

const example = `
Where a run has workers on other hosts, the coordinator and the workers know one another by these keys. worker.key goes to
every host with workers, by a way that nobody else can read; coordinator.key stays where the coordinator is.

Example:
  $ lamp keys ~/lamp-keys
`;

/** `lamp keys`: the keys by which a coordinator and its workers know one another. */
export function keysCommand(context: CliContext): Command {
  return new Command('keys')
    .description('make the keys by which coordinator and workers on several hosts know one another')
    .argument('[dir]', 'folder for coordinator.key and worker.key', '.')
    .option('--force', 'replace keys that are there: processes with the old ones are refused from then on')
    .option('--json', 'print what was made as JSON: files and public keys')
    .addHelpText('after', example)
    .action(async (folder: string, { force = false, json }: { force?: boolean; json?: boolean }) => {
      const { writeKeyFiles } = await import('../transport/keyFile.ts');
      const made = writeKeyFiles(folder, { force });
      context.out.write(
        json
          ? `${JSON.stringify(made)}\n`
          : `${made.coordinator.file}  for the coordinator: it stays here\n` +
              `${made.worker.file}  for every host with workers: copy it where nobody else can read it\n`,
      );
    });
}
