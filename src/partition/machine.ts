import type { MachineFile } from '../config/schema/machine.ts';
import { linkKey } from '../pipeline/messages.ts';
import type { Machine, MachineLink } from '../pipeline/stageCost.ts';
import type { CellFootprint } from './cellCost.ts';
import { estimatedCost, estimatedTimes } from './estimate.ts';
import type { DeviceSpeed } from './estimate.ts';
import type { ModelCost } from './modelCost.ts';

/** A machine that need not be here, and what a model costs on the first of its workers. */
export interface DescribedMachine {
  readonly machine: Machine;
  readonly cost: ModelCost;
}

/** What a description says about a model: other workers are as much faster as the whole model is by the same estimate. */
export const describedMachine = (file: MachineFile, cells: readonly CellFootprint[]): DescribedMachine => {
  const groups = file.workers.flatMap((group) => Array.from({ length: group.count }, () => group));
  const speedOf = ({ flops, bandwidth, overhead_us }: MachineFile['workers'][number]): DeviceSpeed => ({
    operationsPerSecond: flops,
    bytesPerSecond: bandwidth,
    overheadMilliseconds: overhead_us / 1000,
  });
  const first = speedOf(groups[0] as MachineFile['workers'][number]);
  const reference = totalTime(cells, first);
  const workers = groups.map((group) => ({
    speed: reference / totalTime(cells, speedOf(group)),
    memory: group.memory,
    copyBytesPerMs: (group.copy_bandwidth ?? Infinity) / 1000,
  }));
  const links = Object.fromEntries(
    file.links.flatMap(({ from, to, both_ways, ...link }) => [
      [linkKey({ fromWorker: from, toWorker: to }), linkOf(link)] as const,
      ...(both_ways ? [[linkKey({ fromWorker: to, toWorker: from }), linkOf(link)] as const] : []),
    ]),
  );
  return { machine: { workers, link: linkOf(file.link), links }, cost: estimatedCost(cells, first) };
};

const linkOf = ({ latency_us, bandwidth }: MachineFile['link']): MachineLink => ({
  latency: latency_us / 1000,
  bytesPerMs: bandwidth / 1000,
});

const totalTime = (cells: readonly CellFootprint[], device: DeviceSpeed): number =>
  estimatedTimes(cells, device).reduce((sum, { forward, backward }) => sum + forward + backward, 0);
