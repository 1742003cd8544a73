import { Command } from 'commander';
import pc from 'picocolors';
import { gatherFacts } from './doctorFacts.ts';
import { judge, type Finding, type Status } from './doctorFindings.ts';
import { exitCodes } from './exit.ts';
import { interruptible } from './interrupt.ts';

const example = `
Exit code 0 if training can run, 1 if something that it needs is missing.

Example:
  $ lamp doctor --json
`;

/** `lamp doctor`: what this machine has for training, and the line that mends what is missing. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('print what was found on this machine, and what mends the rest')
    .option('--json', 'print it as JSON')
    .addHelpText('after', example)
    .action(async ({ json }: { json?: true }) => {
      const facts = await interruptible(process.stderr, (signal) => gatherFacts(process.env, signal));
      const findings = judge(facts);
      const usable = findings.every(({ status }) => status !== 'missing');
      process.stdout.write(json ? `${JSON.stringify({ usable, findings, facts })}\n` : table(findings));
      if (!usable) process.exitCode = exitCodes.failed;
    });
}

const marks: Record<Status, () => string> = {
  ok: () => pc.green('✓'),
  lacking: () => pc.yellow('!'),
  missing: () => pc.red('✗'),
};

function table(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  return findings
    .map(({ name, status, value, remedy }) => {
      const line = `${marks[status]()} ${name.padEnd(width)}  ${value}\n`;
      return remedy === undefined ? line : `${line}  ${' '.repeat(width)}  ${pc.bold(`→ ${remedy}`)}\n`;
    })
    .join('');
}
