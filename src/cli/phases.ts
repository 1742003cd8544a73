import { Option } from 'commander';
import { phasesOf, type Phase } from '../config/phases.ts';
import type { RunFile } from '../config/runFile.ts';
import { inPhase } from '../coordinator/phaseError.ts';
import { InputError } from './exit.ts';

/** A phase that a command is about. */
export interface AskedPhase extends Phase {
  readonly number: number;
  readonly of: number;
}

export const phaseOption = (): Option =>
  new Option('--phase <name>', 'one phase of the run alone; all of them when absent');

/** The phases of a run, or the one that is named. */
export function askedPhases(run: RunFile, name: string | undefined): readonly AskedPhase[] {
  const phases = phasesOf(run);
  const all = phases.map((phase, number) => ({ ...phase, number, of: phases.length }));
  if (name === undefined) return all;
  const found = all.filter((phase) => phase.name === name);
  if (found.length > 0) return found;
  const names = all.flatMap((phase) => phase.name ?? []);
  const remedy = names.length > 0 ? `give one of ${names.join(', ')}` : 'the run file has no phases';
  throw new InputError(`there is no phase ${name}: ${remedy}`);
}

/** Does something for every phase, in order. An error says which phase it is about. */
export async function forPhases<T>(
  phases: readonly AskedPhase[],
  act: (phase: AskedPhase) => Promise<T>,
): Promise<readonly T[]> {
  const done: T[] = [];
  for (const phase of phases)
    try {
      done.push(await act(phase));
    } catch (error) {
      throw inPhase(error, phase, phase.number);
    }
  return done;
}

/** What stands above a report on a phase; nothing where a run has none. */
export const phaseTitle = ({ name, number, of }: AskedPhase): string =>
  name === undefined ? '' : `Phase ${name}, ${number + 1} of ${of}\n\n`;

/** The same for a report as data. */
export const phaseField = ({ name }: AskedPhase): { phase?: string } => (name === undefined ? {} : { phase: name });
