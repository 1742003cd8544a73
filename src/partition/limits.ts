import type { Fault } from '../config/runFileError.ts';
import { balanceFault, evenBalance } from './partition.ts';

/*
 * What can be told before any worker starts. Every fault is collected, with the value, what is allowed and a suggestion.
 */

export type PlanFaultKind = 'workers' | 'micro-batches' | 'batch size' | 'spatial axes' | 'spatial size' | 'balance';

/** One thing that cannot be done as asked. `key` is a key of the run file. */
export interface PlanFault extends Fault {
  readonly kind: PlanFaultKind;
  readonly value: number | readonly number[];
  readonly remedy: string;
}

/** A plan that cannot be carried out: every reason. */
export class PlanError extends Error {
  override readonly name = 'PlanError';
  readonly faults: readonly PlanFault[];

  constructor(faults: readonly PlanFault[]) {
    super(
      [
        'the run cannot be planned as asked:',
        ...faults.map(({ key, problem, remedy }) => `  ${key}: ${problem}; ${remedy}`),
      ].join('\n'),
    );
    this.faults = faults;
  }
}

/** What is asked for. `spatialSize` along x, y (, z), as it goes into the network. */
export interface PlanRequest {
  readonly cells: number;
  readonly workers: number;
  readonly batchSize: number;
  readonly microBatches: number;
  readonly spatialSize: readonly number[];
  /** Where that size was given: `data.patch_size`, or the name of an image. */
  readonly spatialKey: string;
  readonly spatialDims: 2 | 3;
  /** Every spatial size must be a multiple of this. */
  readonly divisor: number;
  readonly balance?: readonly number[] | undefined;
}

/** Throws a PlanError where anything that is asked for is impossible. */
export const checkPlan = (request: PlanRequest): void => {
  const faults = planFaults(request);
  if (faults.length > 0) throw new PlanError(faults);
};

/** Every fault of a request; empty where it can be carried out. */
export const planFaults = (request: PlanRequest): PlanFault[] => [
  ...workerFaults(request),
  ...microBatchFaults(request),
  ...spatialFaults(request),
  ...balanceFaults(request),
];

const outside = (value: number, most: number): boolean => !Number.isInteger(value) || value < 1 || value > most;

const workerFaults = ({ workers, cells }: PlanRequest): PlanFault[] => {
  if (!outside(workers, cells)) return [];
  const problem = `${workers} workers, but each holds at least one of the model's ${cells} cells`;
  const remedy = `allowed are 1 to ${cells}: --workers ${workers > cells ? cells : 1}`;
  return [{ kind: 'workers', key: 'pipeline.workers', value: workers, problem, remedy }];
};

const microBatchFaults = ({ microBatches, batchSize }: PlanRequest): PlanFault[] => {
  if (!outside(microBatches, batchSize)) return [];
  const problem = `${microBatches} micro-batches of a batch of ${batchSize}`;
  const remedy =
    microBatches > batchSize
      ? `allowed are 1 to ${batchSize}: --micro-batches ${batchSize}, or training.batch_size ${Math.ceil(microBatches)}`
      : `allowed are 1 to ${batchSize}: --micro-batches 1`;
  return [{ kind: 'micro-batches', key: 'pipeline.micro_batches', value: microBatches, problem, remedy }];
};

const axes = ['x', 'y', 'z'];

const spatialFaults = ({ spatialSize, spatialDims, divisor, spatialKey: key }: PlanRequest): PlanFault[] => {
  const written = spatialSize.join(' × ');
  if (spatialSize.length !== spatialDims) {
    const problem = `${written} has ${spatialSize.length} spatial axes, but model.spatial_dims is ${spatialDims}`;
    return [{ kind: 'spatial axes', key, value: spatialSize, problem, remedy: `give ${spatialDims} sizes` }];
  }
  return spatialSize.flatMap((size, axis): PlanFault[] => {
    if (Number.isInteger(size) && size > 0 && size % divisor === 0) return [];
    const problem = `${written} has ${size} along ${axes[axis]}, which is no multiple of ${divisor}`;
    const remedy = `give ${nearestMultiples(size, divisor).join(' or ')} there, or a smaller model.depth`;
    return [{ kind: 'spatial size', key, value: size, problem, remedy }];
  });
};

/** Below and above a size, from the divisor on. */
const nearestMultiples = (size: number, divisor: number): number[] => {
  const below = Math.floor(size / divisor) * divisor;
  return below >= divisor ? [below, below + divisor] : [divisor];
};

const balanceFaults = ({ balance, cells, workers }: PlanRequest): PlanFault[] => {
  if (!balance) return [];
  const place = { kind: 'balance', key: 'pipeline.balance', value: balance } as const;
  const fault = balanceFault(balance, cells);
  if (fault) return [{ ...place, ...fault }];
  if (balance.length === workers || outside(workers, cells)) return [];
  const problem = `[${balance.join(', ')}] is for ${balance.length} workers, but there are ${workers}`;
  const example = evenBalance(cells, workers).join(', ');
  const remedy = `give --workers ${balance.length}, or a balance such as [${example}], or none`;
  return [{ ...place, problem, remedy }];
};
