import { Command } from 'commander';
import { keyFileGiven } from '../config/environment.ts';
import type { CliContext } from './context.ts';
import { interruptible } from './interrupt.ts';
import { parseCount } from './options.ts';
import type { AgentEvent } from './services.ts';

interface Flags {
  readonly coordinator: string;
  readonly keys?: string;
  readonly workers?: number;
  readonly listen?: string;
  readonly ports?: string;
  readonly advertise?: string;
  readonly threads?: number;
  readonly wait: number;
  readonly json?: true;
}

const example = `
It ends when the run does: with 0 where that is done, 1 where it failed, 75 where it was stopped and may go on. A process that dies
is started anew; where the coordinator is gone for longer than --wait, it ends with 1.

Example:
  $ lamp worker --coordinator tcp://10.0.0.5:7700 --keys worker.key
`;

/** `lamp worker`: gives this host's devices to a run. */
export function workerCommand(context: CliContext): Command {
  return new Command('worker')
    .description("give this host's GPUs, or its processor, to a run whose coordinator is on another host")
    .requiredOption('--coordinator <tcp://HOST:PORT>', 'where lamp train --listen listens')
    .option('--keys <file>', 'worker.key, as lamp keys makes it (or LAMP_KEYS)')
    .option('--workers <n>', 'worker processes; one for each GPU when absent, or one', parseCount)
    .option('--threads <n>', "threads of each; the run file's, or its share of the cores, when absent", parseCount)
    .option('--listen <host>', 'the address for data; the one that faces the coordinator when absent')
    .option('--ports <from-to>', 'the ports for data; any that is free when absent')
    .option('--advertise <host>', 'the address under which others reach this host, where it is another one')
    .option('--wait <s>', 'seconds for which the coordinator may not answer', parseCount, 60)
    .option('--json', 'print events as JSON lines')
    .addHelpText('after', example)
    .action(async (flags: Flags) => {
      const { out, err, services } = context;
      const { json, ...options } = flags;
      const report = (event: AgentEvent): void =>
        void out.write(`${json ? JSON.stringify(event) : describe(event, flags.coordinator)}\n`);
      const keys = flags.keys ?? keyFileGiven();
      await interruptible(err, (signal) => services.serveHost({ ...options, keys, report, signal }));
      if (!json) out.write('the run has ended\n');
    });
}

function describe(event: AgentEvent, coordinator: string): string {
  switch (event.kind) {
    case 'started':
      return `process ${event.process} (pid ${event.pid}, ${event.device}): waiting for ${coordinator}`;
    case 'joined':
      return `process ${event.process}: joined`;
    case 'seated':
      return `process ${event.process}: ${event.role}`;
    case 'restarting':
      return `process ${event.process}: ${event.problem}; starting another in ${event.seconds} s`;
  }
}
