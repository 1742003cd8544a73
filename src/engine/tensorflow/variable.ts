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

  constructor(runtime: Runtime, initial: Tensor, freed: (bytes: number) => void) {
    checkVariableValue(initial, initial.shape);
    this.shape = [...initial.shape];
    this.#runtime = runtime;
    this.#dtype = runtime.type('dtype', 'TF_FLOAT');
    this.#freed = freed;
    this.#handle = runtime.tf.keep(handleFor(runtime, this.shape));
    this.assign(initial);
  }

  /** The resource handle, an input of the `Resource…` operations. */
  get handle(): Tensor {
    if (!this.#live) throw new Error(`a variable of shape (${this.shape.join(', ')}) was used after it was disposed`);
    return this.#handle;
  }

  read(): Tensor {
    // No copy is made: the values are the variable's.
    return this.#runtime.values.unseen(() => this.#runtime.run('ReadVariableOp', [this.#dtype], [this.handle]));
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
  const dtype = r.type('dtype', 'TF_FLOAT');
  let scratch: Tensor | undefined;
  const applyAdam = (m: Tensor, p: Variable, v: Variable, g: Tensor, o: AdamOptions) => {
    const scalars = [o.beta1Power, o.beta2Power, o.rate, o.beta1, o.beta2, o.epsilon].map((value) => r.scalar(value));
    const inputs = [handleOf(p), m, handleOf(v), ...scalars, g];
    r.act('ResourceApplyAdam', [...attributes, r.bool('use_nesterov', false)], inputs);
  };
  return {
    adam: (p, m, v, g, options) => applyAdam(handleOf(m), p, v, g, options),
    momentum(p, v, g, { rate, momentum, nesterov }) {
      r.act(
        'ResourceApplyMomentum',
        [...attributes, r.bool('use_nesterov', nesterov)],
        [handleOf(p), handleOf(v), r.scalar(rate), g, r.scalar(momentum)],
      );
    },
    rmsprop(p, v, g, { rate, alpha, epsilon }) {
      // Adam with β1 = 0 forms m + (g − m): with m = g that is g exactly, and m need not be kept.
      scratch ??= r.own(handleFor(r, []));
      r.act('AssignVariableOp', [dtype], [scratch, g]);
      try {
        applyAdam(scratch, p, v, g, { rate, beta1: 0, beta2: alpha, beta1Power: 0, beta2Power: 0, epsilon });
      } finally {
        r.act('AssignVariableOp', [dtype], [scratch, r.empty()]);
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

type AdamOptions = Parameters<Updates['adam']>[4];

/** A handle of a new variable. Two of one shared_name would be one variable. */
function handleFor(r: Runtime, shape: Shape): Tensor {
  const name = r.text('shared_name', `lamp-${process.pid}-${made++}`);
  const attributes = [r.text('container', ''), name, r.type('dtype', 'TF_FLOAT'), r.shape('shape', shape)];
  return r.run('VarHandleOp', attributes, []);
}

const handleOf = (variable: Variable): Tensor => (variable as ResourceVariable).handle;
