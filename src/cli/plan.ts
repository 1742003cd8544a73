import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { loadMachineFile } from '../config/loadMachineFile.ts';
import { formatTrace, traceOf } from '../telemetry/trace.ts';
import { inPhase } from '../coordinator/phaseError.ts';
import type { CliContext } from './context.ts';
import { loadRun } from './loadRun.ts';
import { overridesOf, runFileOptions, setOption, type RunFileFlags } from './options.ts';
import { askedPhases, forPhases, phaseField, phaseOption, phaseTitle, type AskedPhase } from './phases.ts';
import { describePlan, describeSchedules, describeSource } from './planReport.ts';
import type { RunPlan } from './services.ts';

interface Flags {
  readonly simulate?: string;
  readonly profile?: string;
  readonly trace?: string;
  readonly phase?: string;
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
    .addOption(phaseOption())
    .option('--simulate <machine.yaml>', 'a machine that need not be here (examples/machines)')
    .option('--profile <file>', 'what lamp profile --output wrote')
    .option('--trace <file>', 'write the step as a trace for ui.perfetto.dev or chrome://tracing')
    .option('--json', 'print the plan as JSON')
    .addHelpText('after', example)
    .action(async (file: string, flags: Flags & RunFileFlags) => {
      const { run, baseDirectory } = loadRun(file, overridesOf(flags), { checkFiles: false });
      const machine = flags.simulate === undefined ? undefined : loadMachineFile(flags.simulate);
      const { profile } = flags;
      const planned = await forPhases(askedPhases(run, flags.phase), async (phase) => ({
        phase,
        plan: await context.services.planFor({ run: phase.run, baseDirectory, machine, profile }),
      }));
      if (flags.trace !== undefined) writeTrace(flags.trace, run.name, planned);
      context.out.write(`${flags.json ? summaryOf(planned) : describe(planned, file)}\n`);
      for (const { phase, plan } of planned)
        if (plan.kind === 'nothing fits') throw inPhase(plan.error, phase, phase.number);
    });
}

interface PlannedPhase {
  readonly phase: AskedPhase;
  readonly plan: RunPlan;
}

const describe = (planned: readonly PlannedPhase[], file: string): string =>
  planned.map(({ phase, plan }) => phaseTitle(phase) + describeOne(plan, file)).join('\n\n\n');

/** An object for a plan; a list of them where there are several phases. */
function summaryOf(planned: readonly PlannedPhase[]): string {
  const summaries = planned.map(({ phase, plan }) => ({ ...phaseField(phase), ...summaryOfOne(plan) }));
  return JSON.stringify(summaries.length === 1 ? summaries[0] : summaries);
}

const describeOne = (plan: RunPlan, file: string): string =>
  plan.kind === 'plan'
    ? describePlan(plan, { file, columns: process.stdout.columns ?? USUAL_COLUMNS })
    : [describeSource(plan.source, file), describeSchedules(plan.schedules)].join('\n\n');

/** A step of every phase that fits, one after the other. */
function writeTrace(file: string, name: string, planned: readonly PlannedPhase[]): void {
  let start = 0;
  const steps = planned.flatMap(({ phase, plan }) => {
    if (plan.kind !== 'plan') return [];
    const step = { ...phaseField(phase), timeline: plan.timeline, start };
    start += plan.step;
    return [step];
  });
  if (steps.length > 0) writeFileSync(file, formatTrace(traceOf(`${name}, as planned`, steps)));
}

/** Without the timeline, which the trace has. */
function summaryOfOne(plan: RunPlan): object {
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
