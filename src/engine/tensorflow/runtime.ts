import type * as tf from '@tensorflow/tfjs';
import type { Shape, Tensor } from '../tensor.ts';
import { meterValues, type ValueMeter } from '../valueMeter.ts';

type Tfjs = typeof tf;

/** An attribute of a TensorFlow operation, as the addon takes it. */
export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** What we use of the addon and of tfjs-node's backend around it. */
interface NodeBackend {
  readonly binding: Record<`TF_${string}`, number>;
  readonly isUsingGpuDevice: boolean;
  executeSingleOutput(op: string, attributes: readonly Attribute[], inputs: readonly Tensor[]): Tensor;
  executeMultipleOutputs(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly Tensor[],
    outputs: number,
  ): Tensor[];
}

/** Few scalars (learning rates, decay factors) live at a time. */
const SCALARS_KEPT = 64;

/**
 * Runs any operation of TensorFlow by its name. What it returns is counted by tfjs and disposed like any tensor.
 *
 * Some of oneDNN's kernels for AVX-512 (2.21: `MatMul`, certain convolutions) use the stack pointer for data. A signal handler
 * that runs on the computing thread meanwhile, a profiler's as well, overwrites the heap ("corrupted size vs. prev_size").
 * So a process that computes installs no handlers: no `process.on('SIG…')`, no `--cpu-prof`.
 */
export class Runtime {
  readonly tf: Tfjs;
  /** `T` = float32, which nearly every operation takes. */
  readonly float: Attribute;
  readonly values: ValueMeter;
  readonly #backend: NodeBackend;
  readonly #scalars = new Map<number, Tensor>();
  readonly #owned = new Set<Tensor>();
  #empty: Tensor | undefined;

  constructor(tfjs: Tfjs) {
    this.tf = tfjs;
    this.values = meterValues(tfjs);
    this.#backend = tfjs.backend() as unknown as NodeBackend;
    this.float = this.type('T', 'TF_FLOAT');
  }

  /** Of TensorFlow's C library, as `2.21.0`. */
  get version(): string {
    return String(this.#backend.binding.TF_Version);
  }

  get usesGpu(): boolean {
    return this.#backend.isUsingGpuDevice;
  }

  run(op: string, attributes: readonly Attribute[], inputs: readonly Tensor[]): Tensor {
    return this.#backend.executeSingleOutput(op, attributes, inputs);
  }

  runMany(op: string, attributes: readonly Attribute[], inputs: readonly Tensor[], outputs: number): Tensor[] {
    return this.#backend.executeMultipleOutputs(op, attributes, inputs, outputs);
  }

  /** Operations that only act (updates, assignments). */
  act(op: string, attributes: readonly Attribute[], inputs: readonly Tensor[]): void {
    this.#backend.executeMultipleOutputs(op, attributes, inputs, 0);
  }

  type(name: string, dtype: 'TF_FLOAT' | 'TF_INT32'): Attribute {
    return { name, type: this.#backend.binding.TF_ATTR_TYPE!, value: this.#backend.binding[dtype]! };
  }

  int(name: string, value: number | readonly number[]): Attribute {
    return { name, type: this.#backend.binding.TF_ATTR_INT!, value };
  }

  real(name: string, value: number): Attribute {
    return { name, type: this.#backend.binding.TF_ATTR_FLOAT!, value };
  }

  bool(name: string, value: boolean): Attribute {
    return { name, type: this.#backend.binding.TF_ATTR_BOOL!, value };
  }

  text(name: string, value: string): Attribute {
    return { name, type: this.#backend.binding.TF_ATTR_STRING!, value };
  }

  shape(name: string, value: Shape): Attribute {
    return { name, type: this.#backend.binding.TF_ATTR_SHAPE!, value };
  }

  /** Calls `body` with a shape as an int32 tensor, for the operations that want their sizes as an input. */
  withShape(shape: Shape, body: (sizes: Tensor) => Tensor): Tensor {
    const sizes = this.tf.tensor1d(shape as number[], 'int32');
    try {
      return body(sizes);
    } finally {
      sizes.dispose();
    }
  }

  /**
   * A scalar that stays the runtime's: an optimizer passes the same few for every parameter. The one that was longest not
   * asked for makes room for a new one, so that those of one operation are never taken from under it.
   */
  scalar(value: number): Tensor {
    const known = this.#scalars.get(value);
    const scalar = known ?? this.own(this.tf.scalar(value));
    this.#scalars.delete(value);
    this.#scalars.set(value, scalar);
    if (!known && this.#scalars.size > SCALARS_KEPT) this.#forgetOldestScalar();
    return scalar;
  }

  /** A float32 tensor without elements, which stays the runtime's. */
  empty(): Tensor {
    this.#empty ??= this.own(this.tf.tensor1d(new Float32Array(0)));
    return this.#empty;
  }

  /** Makes a tensor the runtime's own, which no leak test should count. */
  own(tensor: Tensor): Tensor {
    this.#owned.add(this.tf.keep(tensor));
    return tensor;
  }

  /** Tensors and bytes that are the runtime's own. */
  owned(): { tensors: number; bytes: number } {
    const bytes = [...this.#owned].reduce((sum, { dtype, size }) => sum + (dtype === 'float32' ? 4 * size : 0), 0);
    return { tensors: this.#owned.size, bytes };
  }

  #forgetOldestScalar(): void {
    const [oldest] = this.#scalars;
    if (!oldest) return;
    const [value, scalar] = oldest;
    this.#scalars.delete(value);
    this.#owned.delete(scalar);
    scalar.dispose();
  }
}
