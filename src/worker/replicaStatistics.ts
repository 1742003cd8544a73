import type { Engine } from '../engine/engine.ts';
import type { Layer } from '../layers/layer.ts';
import type { ParameterStore } from '../layers/parameterStore.ts';

/** A count can be larger than a float32 holds exactly: it goes in two parts. */
const COUNT_BASE = 2 ** 20;

/**
 * Running statistics over replicas: what each replica's share of a mini-batch did to them is gathered, and every replica makes the
 * same of it, as if one pipeline had seen all micro-batches in order. Each value is the same bit for bit on all of them.
 */
export interface ReplicaStatistics {
  /** What the others need of this replica's, once the last forward pass has run. */
  pack(): Float32Array;
  /** Takes all replicas' into the buffers; deferred: into what the end of the mini-batch will do to them. */
  combine(parts: readonly Float32Array[]): void;
}

export interface StatisticsOptions {
  readonly engine: Engine;
  readonly parameters: ParameterStore;
  readonly layers: readonly Layer[];
  /** How many micro-batches each replica has. */
  readonly microBatches: readonly number[];
}

/**
 * Every micro-batch makes r ← (1 − m)·r + m·s. So with r₀ before the step, M_r micro-batches at replica r, L_r at those after it,
 * M at all together, and r_r what replica r came to,
 *
 *     r = (1 − m)^M · r₀ + Σ_r (1 − m)^L_r · (r_r − (1 − m)^M_r · r₀)
 *
 * To be made before the first forward pass of a step: it reads r₀.
 */
export function microStatistics({ parameters, layers, microBatches }: StatisticsOptions): ReplicaStatistics {
  const buffers = layers.flatMap(({ running }) =>
    running ? running.buffers.map((name) => ({ name, momentum: running.momentum })) : [],
  );
  const { packed, assign } = buffersOf(
    parameters,
    buffers.map(({ name }) => name),
  );
  const before = packed();
  const momenta = buffers.flatMap(({ name, momentum }) =>
    Array.from({ length: parameters.get(name).spec.shape[0]! }, () => momentum),
  );
  return {
    pack: packed,
    combine: (parts) => assign(combined({ before, momenta, microBatches }, parts)),
  };
}

/** The formula above, for every value. */
export function combined(
  {
    before,
    momenta,
    microBatches,
  }: { before: Float32Array; momenta: readonly number[]; microBatches: readonly number[] },
  parts: readonly Float32Array[],
): Float32Array {
  return before.map((start, i) => {
    const keeps = 1 - momenta[i]!;
    // From the last replica to the first, so that `later` grows by each one's micro-batches.
    let [value, later] = [0, 0];
    for (let r = parts.length - 1; r >= 0; r--) {
      value += keeps ** later * (parts[r]![i]! - keeps ** microBatches[r]! * start);
      later += microBatches[r]!;
    }
    return value + keeps ** later * start;
  });
}

function buffersOf(
  parameters: ParameterStore,
  names: readonly string[],
): { packed: () => Float32Array; assign: (values: Float32Array) => void } {
  return {
    packed: () =>
      Float32Array.from(
        names.flatMap((name) => {
          const value = parameters.read(name);
          const values = Array.from(parameters.engine.read(value));
          value.dispose();
          return values;
        }),
      ),
    assign: (values) => {
      let offset = 0;
      for (const name of names) {
        const { spec, value } = parameters.get(name);
        const size = spec.shape[0]!;
        const tensor = parameters.engine.tensor(values.slice(offset, offset + size), spec.shape);
        value.assign(tensor);
        tensor.dispose();
        offset += size;
      }
    },
  };
}

/** Deferred: count, mean and Σ (x − mean)² of every layer; replicas' are merged in their order. */
export function deferredStatistics({ engine, parameters, layers }: StatisticsOptions): ReplicaStatistics {
  const normalizing = layers.filter(({ running }) => running);
  return {
    pack: () =>
      Float32Array.from(
        normalizing.flatMap(({ name }) => {
          const gathered = parameters.takeStatistics(name);
          if (!gathered) throw new Error(`${name} has seen no micro-batch of this step`);
          const { count, mean, squares } = gathered;
          const values = [mean, squares].flatMap((tensor) => Array.from(engine.read(tensor)));
          [mean, squares].forEach((tensor) => tensor.dispose());
          return [Math.floor(count / COUNT_BASE), count % COUNT_BASE, ...values];
        }),
      ),
    combine: (parts) => {
      for (const part of parts) {
        let offset = 0;
        const take = (length: number): Float32Array => part.slice(offset, (offset += length));
        for (const { name, running } of normalizing) {
          const channels = parameters.get(running!.buffers[0]!).spec.shape[0]!;
          const [high = 0, low = 0] = take(2);
          const [mean, squares] = [take(channels), take(channels)].map((values) => engine.tensor(values, [channels]));
          parameters.gatherStatistics(name, { count: high * COUNT_BASE + low, mean: mean!, squares: squares! });
        }
      }
    },
  };
}
