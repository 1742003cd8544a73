import type { Engine } from '../engine/engine.ts';
import { parameterSpecs } from '../models/describe.ts';
import { layersOf } from '../models/cell.ts';
import type { Action } from '../pipeline/action.ts';
import { ringLink, workerName } from '../transport/names.ts';
import type { Links } from '../transport/links.ts';
import type { Peer } from '../transport/peer.ts';
import type { RequestOf } from '../transport/protocol.ts';
import { Ring } from './allReduce.ts';
import type { Assignment } from './assignment.ts';
import { Reduction } from './reduction.ts';
import { deferredStatistics, microStatistics } from './replicaStatistics.ts';
import type { StepRecord } from './stepRecord.ts';

/** The run's number of the first worker of this replica: schedules count from there. */
export const firstWorker = ({ replica }: Pick<Assignment, 'replica'>): number =>
  replica ? replica.index * replica.workers : 0;

/** What goes round the replicas in a training step; nothing, where there is one pipeline. To be made before the first action. */
export function reductionOf(
  request: RequestOf<'step'>,
  { replica, batchNorm, parameters, cells, stages }: Assignment,
  context: {
    readonly engine: Engine;
    readonly links: Links;
    readonly actions: readonly Action[];
    /** Of this worker in its replica. */
    readonly index: number;
    readonly peer: Pick<Peer, 'signal' | 'pulse'>;
    readonly record: StepRecord;
  },
): Reduction | undefined {
  const { shared, step } = request;
  if (!replica || !shared || request.purpose !== 'train') return undefined;
  const { engine, links, actions, index, peer, record } = context;
  const { signal, pulse } = peer;
  const neighbour = (by: number): string =>
    ringLink(workerName(((replica.index + by + replica.of) % replica.of) * replica.workers + index));
  const [inlet, outlet] = [links.inlets.get(neighbour(-1)), links.outlets.get(neighbour(1))];
  if (!inlet || !outlet) throw new Error(`no ${inlet ? `link to ${neighbour(1)}` : `link from ${neighbour(-1)}`}`);
  const statistics = batchNorm === 'micro' ? microStatistics : deferredStatistics;
  return new Reduction({
    ...{ engine, parameters, actions, pulse, reduce: shared.reduce, now: () => record.now() },
    names: new Map([...stages].map(([stage, { cells }]) => [stage, trainable(cells)])),
    statistics: statistics({
      ...{ engine, parameters, microBatches: shared.microBatches },
      layers: cells.flatMap((cell) => layersOf(cell)),
    }),
    ring: new Ring({ replica: replica.index, replicas: replica.of, inlet, outlet, step, pulse, signal }),
  });
}

const trainable = (cells: Parameters<typeof parameterSpecs>[0]): string[] =>
  parameterSpecs(cells).flatMap(({ name, role }) => (role === 'parameter' ? [name] : []));
