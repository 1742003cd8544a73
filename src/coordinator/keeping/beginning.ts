import type { Layout } from '../layout.ts';
import type { PhaseState } from '../phaseRun.ts';
import type { Ancestor, PipelineOptions } from '../pipelineOptions.ts';
import type { Wire } from '../wiring.ts';
import type { ResumePoint } from './resume.ts';

/** Where a pipeline begins: with what its workers hold, and where the phase is then. */
export interface Beginning {
  readonly kind: 'memory' | 'disk' | 'beginning';
  readonly state: PhaseState | undefined;
  readonly goOn: ((layout: Layout) => Ancestor) | undefined;
}

export const fromTheStart: Beginning = { kind: 'beginning', state: undefined, goOn: undefined };

export function beginningOnDisk({ checkpoint, state: { current } }: ResumePoint): Beginning {
  const begin: Ancestor['begin'] = async () => ({
    ...{ kind: 'checkpoint', folder: checkpoint.path, updates: current.updates },
  });
  return { kind: 'disk', state: current, goOn: () => ({ wires: [], begin }) };
}

/** With weights of a file, or drawn from the seed. */
export const beginningWith = (weights: PipelineOptions['weights']): Ancestor => ({
  wires: [],
  begin: async () => (weights ? { kind: 'weights', ...weights } : { kind: 'seed' }),
});

/** With further links; two of the same ends are one. */
export function withWires({ wires, begin }: Ancestor, further: readonly Wire[]): Ancestor {
  const all = [...wires, ...further];
  return { begin, wires: all.filter(({ from, to }, i) => all.findIndex((w) => w.from === from && w.to === to) === i) };
}
