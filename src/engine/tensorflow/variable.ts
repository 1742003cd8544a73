import type { Engine, Updates, Variable } from '../engine.ts';
import { checkVariableValue } from '../errors.ts';
import { sizeOf, type Shape, type Tensor } from '../tensor.ts';
import type { Attribute, Runtime } from './runtime.ts';

let made = 0;

/** A resource variable of TensorFlow: updated in place as long as nobody holds a handle on its value. */
class ResourceVariable implements Variable {
  readonly shape: Shape;
  readonly #runtime: Runtime;
  readonly #handle: Tensor;
  readonly #dtype: Attribute;
  readonly #freed: (bytes: number) => void;
  #live = true;

  constructor(runtime: Runtime, initial: Tensor, freed: (bytes: number) => void = () => {}) {
    checkVariableValue(initial, initial.shape);
    this.shape = [...initial.shape];
    this.#runtime = runtime;
    this.#dtype = runtime.type('dtype', 'TF_FLOAT');
    this.#freed = freed;
    // Two variables of one shared_name would be one variable.
    const name = `lamp-${process.pid}-${made++}`;
    const attributes = [runtime.text('container', ''), runtime.text('shared_name', name), this.#dtype];
    const handle = runtime.run('VarHandleOp', [...attributes, runtime.shape('shape', this.shape)], []);
    this.#handle = runtime.tf.keep(handle);
    this.assign(initial);
  }

  /** The resource handle, an input of the `Resource…` operations. */
  get handle(): Tensor {
    if (!this.#live) throw new Error(`a variable of shape (${this.shape.join(', ')}) was used after it was disposed`);
    return this.#handle;
  }

  read(): Tensor {
    return this.#runtime.run('ReadVariableOp', [this.#dtype], [this.handle]);
  }

  /** TensorFlow would share the buffer of `value`, so it gets one of its own: values can be memory of JavaScript. */
  assign(value: Tensor): void {
    checkVariableValue(value, this.shape);
    const copy = this.#runtime.run('DeepCopy', [this.#runtime.float], [value]);
    this.take(copy);
  }

  /** Takes `value` over, without a copy. */
  take(value: Tensor): void {
    try {
      this.#runtime.act('AssignVariableOp', [this.#dtype], [this.handle, value]);
    } finally {
      value.dispose();
    }
  }

  dispose(): void {
    if (!this.#live) return;
    this.#runtime.act('DestroyResourceOp', [this.#runtime.bool('ignore_lookup_error', false)], [this.#handle]);
    this.#handle.dispose();
    this.#live = false;
    this.#freed(4 * sizeOf(this.shape));
  }
}

/** Makes variables, updates them in place, and counts their bytes: tfjs sees their handles only. */
export function variableKernels(r: Runtime): Pick<Engine, 'variable' | 'updates'> & { variableBytes(): number } {
  let bytes = 0;
  return {
    variable(initial) {
      const variable = new ResourceVariable(r, initial, (freed) => {
        bytes -= freed;
      });
      bytes += 4 * sizeOf(variable.shape);
      return variable;
    },
    variableBytes: () => bytes,
    updates: updateKernels(r),
  };
}

function updateKernels(r: Runtime): Updates {
  const attributes = [r.float, r.bool('use_locking', false)];
  const adam: Updates['adam'] = (p, m, v, g, o) => {
    const scalars = [o.beta1Power, o.beta2Power, o.rate, o.beta1, o.beta2, o.epsilon].map((value) => r.scalar(value));
    r.act(
      'ResourceApplyAdam',
      [...attributes, r.bool('use_nesterov', false)],
      [handleOf(p), handleOf(m), handleOf(v), ...scalars, g],
    );
  };
  return {
    adam,
    momentum(p, v, g, { rate, momentum, nesterov }) {
      r.act(
        'ResourceApplyMomentum',
        [...attributes, r.bool('use_nesterov', nesterov)],
        [handleOf(p), handleOf(v), r.scalar(rate), g, r.scalar(momentum)],
      );
    },
    rmsprop(p, v, g, { rate, alpha, epsilon }) {
      // Adam with β1 = 0 forms m + (g − m): with m = g that is g exactly, and m need not be kept.
      const m = new ResourceVariable(r, g);
      try {
        adam(p, m, v, g, { rate, beta1: 0, beta2: alpha, beta1Power: 0, beta2Power: 0, epsilon });
      } finally {
        m.dispose();
      }
    },
    descend(p, g, rate) {
      r.act('ResourceApplyGradientDescent', attributes, [handleOf(p), r.scalar(rate), g]);
    },
    scale(p, factor) {
      const before = p.read();
      (p as ResourceVariable).take(r.tf.mul(before, r.scalar(factor)));
      before.dispose();
    },
  };
}

const handleOf = (variable: Variable): Tensor => (variable as ResourceVariable).handle;
