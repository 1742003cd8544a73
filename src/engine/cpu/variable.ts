import type * as tf from '@tensorflow/tfjs';
import type { Engine, Updates, Variable } from '../engine.ts';
import { checkVariableValue } from '../errors.ts';
import type { Shape, Tensor } from '../tensor.ts';

/** A tensor that is replaced by every update. */
class ReplacedVariable implements Variable {
  readonly shape: Shape;
  readonly #tfjs: typeof tf;
  #value: Tensor;
  #live = true;

  constructor(tfjs: typeof tf, initial: Tensor) {
    checkVariableValue(initial, initial.shape);
    this.shape = [...initial.shape];
    this.#tfjs = tfjs;
    this.#value = this.#copy(initial);
  }

  read(): Tensor {
    if (!this.#live) throw new Error(`a variable of shape (${this.shape.join(', ')}) was used after it was disposed`);
    return this.#tfjs.clone(this.#value);
  }

  assign(value: Tensor): void {
    checkVariableValue(value, this.shape);
    const before = this.#value;
    this.#value = this.#copy(value);
    before.dispose();
  }

  /** Replaces the value by what `next` makes of it. */
  update(next: (value: Tensor) => Tensor): void {
    const before = this.#value;
    this.#value = this.#tfjs.keep(this.#tfjs.tidy(() => next(before)));
    before.dispose();
  }

  dispose(): void {
    if (!this.#live) return;
    this.#value.dispose();
    this.#live = false;
  }

  /** tfjs shares the array that a tensor was made of, so a copy has one of its own. */
  #copy(value: Tensor): Tensor {
    const values = (value.dataSync() as Float32Array).slice();
    return this.#tfjs.keep(this.#tfjs.tensor(values, this.shape as number[], 'float32'));
  }
}

/** Variables and updates out of tfjs operations. */
export function variableKernels(tfjs: typeof tf): Pick<Engine, 'variable' | 'updates'> {
  return { variable: (initial) => new ReplacedVariable(tfjs, initial), updates: updateKernels(tfjs) };
}

function updateKernels(t: typeof tf): Updates {
  const update = (variable: Variable, next: (value: Tensor) => Tensor) => (variable as ReplacedVariable).update(next);
  const mix = (old: Tensor, decay: number, now: Tensor) => t.add(t.mul(old, decay), t.mul(now, 1 - decay));
  return {
    momentum(p, v, g, { rate, momentum, nesterov }) {
      update(v, (value) => t.add(t.mul(value, momentum), g));
      update(p, (value) => {
        const velocity = v.read();
        const step = nesterov ? t.add(g, t.mul(velocity, momentum)) : velocity;
        return t.sub(value, t.mul(step, rate));
      });
    },
    adam(p, m, v, g, { rate, beta1, beta2, beta1Power, beta2Power, epsilon }) {
      update(m, (value) => mix(value, beta1, g));
      update(v, (value) => mix(value, beta2, t.square(g)));
      const scaled = (rate * Math.sqrt(1 - beta2Power)) / (1 - beta1Power);
      update(p, (value) => t.sub(value, t.mul(t.div(m.read(), t.add(t.sqrt(v.read()), epsilon)), scaled)));
    },
    rmsprop(p, v, g, { rate, alpha, epsilon }) {
      update(v, (value) => mix(value, alpha, t.square(g)));
      update(p, (value) => t.sub(value, t.mul(t.div(g, t.add(t.sqrt(v.read()), epsilon)), rate)));
    },
    descend: (p, g, rate) => update(p, (value) => t.sub(value, t.mul(g, rate))),
    scale: (p, factor) => update(p, (value) => t.mul(value, factor)),
  };
}
