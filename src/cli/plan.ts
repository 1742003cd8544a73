import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { loadMachineFile } from '../config/loadMachineFile.ts';
import { formatTrace, traceOf } from '../telemetry/trace.ts';
import type { CliContext } from './context.ts';
import { loadRun } from './loadRun.ts';
import { overridesOf, runFileOptions, setOption, type RunFileFlags } from './options.ts';
import { describePlan, describeSchedules, describeSource } from './planReport.ts';
import type { RunPlan } from './services.ts';

interface Flags {
  readonly simulate?: string;
  readonly profile?: string;
  readonly trace?: string;
  readonly json?: true;
}

const example = `
Nothing is started, and no engine is needed. Times are those that were measured, where a profile holds (lamp profile); those of
a machine that is described (--simulate), with any number of workers; or else an estimate. Exit code 2 where nothing fits.

Example:
  $ lamp plan examples/brain9/run.yaml --simulate examples/machines/h100x8.yaml --schedule auto --trace plan.json
`;

/** Where the terminal does not say how wide it is. */
const USUAL_COLUMNS = 120;

/** `lamp plan RUN.yaml`: what a run would be, before anything is started. */
export function planCommand(context: CliContext): Command {
  const command = new Command('plan')
    .description('show how a run would be laid on its workers, how long a step takes, and whether it fits')
    .argument('<run.yaml>', 'the run file (docs/run-file.md)');
  const keys = ['workers', 'micro-batches', 'schedule', 'recompute', 'skips', 'memory', 'engine', 'threads'] as const;
  for (const option of runFileOptions(keys)) command.addOption(option);
  return command
    .addOption(setOption())
    .option('--simulate <machine.yaml>', 'a machine that need not be here (examples/machines)')
    .option('--profile <file>', 'what lamp profile --output wrote')
    .option('--trace <file>', 'write the step as a trace for ui.perfetto.dev or chrome://tracing')
    .option('--json', 'print the plan as JSON')
    .addHelpText('after', example)
    .action(async (file: string, flags: Flags & RunFileFlags) => {
      const { run, baseDirectory } = loadRun(file, overridesOf(flags), { checkFiles: false });
      const machine = flags.simulate === undefined ? undefined : loadMachineFile(flags.simulate);
      const plan = await context.services.planFor({ run, baseDirectory, machine, profile: flags.profile });
      if (plan.kind === 'plan' && flags.trace !== undefined) writeTrace(flags.trace, run.name, plan);
      context.out.write(`${flags.json ? JSON.stringify(summaryOf(plan)) : describe(plan, file)}\n`);
      if (plan.kind === 'nothing fits') throw plan.error;
    });
}

const describe = (plan: RunPlan, file: string): string =>
  plan.kind === 'plan'
    ? describePlan(plan, { file, columns: process.stdout.columns ?? USUAL_COLUMNS })
    : [describeSource(plan.source, file), describeSchedules(plan.schedules)].join('\n\n');

function writeTrace(file: string, name: string, { timeline }: Extract<RunPlan, { kind: 'plan' }>): void {
  writeFileSync(file, formatTrace(traceOf(`${name}, as planned`, [{ timeline, start: 0 }])));
}

/** Without the timeline, which the trace has. */
function summaryOf(plan: RunPlan): object {
  if (plan.kind === 'plan') {
    const { timeline: _, ...summary } = plan;
    return summary;
  }
  const { error, ...others } = plan;
  return {
    ...others,
    message: error.message,
    shortage: error.shortage,
    missing: error.missing,
    remedies: error.remedies,
  };
}
