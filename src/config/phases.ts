import { parseKeyPath, valueAt } from './keyPath.ts';
import type { PhaseSpec, RunFile } from './runFile.ts';
import type { Fault } from './runFileError.ts';

/** A part of a run that is trained by itself. */
export interface Phase {
  /** Undefined where a run has no phases: it is one. */
  readonly name: string | undefined;
  /** What it runs as: the run with what the phase does otherwise. */
  readonly run: RunFile;
}

/** The phases of a run, in order; a run without any is one phase. */
export function phasesOf(run: RunFile): readonly Phase[] {
  const { phases, ...whole } = run;
  if (!phases) return [{ name: undefined, run }];
  return phases.map((phase, number) => ({ name: nameOfPhase(phase, number), run: overlaid(whole, phase) }));
}

const nameOfPhase = ({ name }: PhaseSpec, number: number): string => name ?? `phase-${number + 1}`;

function overlaid(run: RunFile, phase: PhaseSpec): RunFile {
  const { augment, ...data } = phase.data ?? {};
  return {
    ...run,
    data: { ...said(run.data, data), augment: said(run.data.augment, augment) },
    training: said(run.training, phase.training),
    optimizer: said(run.optimizer, phase.optimizer),
    lr_schedule: phase.lr_schedule ?? run.lr_schedule,
    loss: phase.loss ?? run.loss,
    pipeline: said(run.pipeline, phase.pipeline),
  };
}

/** The keys of `over` that are said, over those of `base`. */
function said<T extends object>(base: T, over: { readonly [K in keyof T]?: T[K] | undefined } | undefined): T {
  const entries = Object.entries(over ?? {}).filter(([, value]) => value !== undefined);
  return { ...base, ...Object.fromEntries(entries) };
}

/** What `check` finds wrong with any phase, each fault with the key that mends it: the run's where all phases share it. */
export function phaseFaults(run: RunFile, check: (run: RunFile) => readonly Fault[]): readonly Fault[] {
  const phases = run.phases ?? [];
  const found = phasesOf(run).map((phase) => check(phase.run));
  const everywhere = (fault: Fault): boolean => found.every((faults) => faults.some((other) => same(other, fault)));
  const faults = found.flatMap((own, number) =>
    own.map((fault) => {
      const says = sayingOf(phases[number]!, fault.key);
      return says || !everywhere(fault) ? { ...fault, key: `phases[${number}].${fault.key}` } : fault;
    }),
  );
  const unique = faults.filter((fault, i) => faults.findIndex((other) => same(other, fault)) === i);
  return [...repeatedNames(phases), ...unique];
}

const same = (a: Fault, b: Fault): boolean => a.key === b.key && a.problem === b.problem;

const sayingOf = (phase: PhaseSpec, key: string): boolean => valueAt(phase, parseKeyPath(key) ?? []) !== undefined;

/** Weights are kept by name. */
function repeatedNames(phases: readonly PhaseSpec[]): readonly Fault[] {
  const names = phases.map(nameOfPhase);
  return names.flatMap((name, number) =>
    names.indexOf(name) < number
      ? [
          {
            key: `phases[${number}].name`,
            problem: `${name} is the name of phases[${names.indexOf(name)}], too`,
            remedy: 'give every phase a name of its own',
          },
        ]
      : [],
  );
}
