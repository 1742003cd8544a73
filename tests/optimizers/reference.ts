import type { OptimizerSpec } from '../../src/config/runFile.ts';

/** PyTorch's optimizers as its documentation writes them, one number at a time in float64. */
export function referenceRun(
  spec: OptimizerSpec,
  start: readonly number[],
  gradients: readonly (readonly number[])[],
  rate: (step: number) => number,
): number[] {
  return start.map((first, i) => {
    let state = { p: first, m: 0, v: 0 };
    gradients.forEach((gradient, index) => {
      state = RULES[spec.name](spec as never, state, gradient[i]!, rate(index), index + 1);
    });
    return state.p;
  });
}

interface State {
  readonly p: number;
  readonly m: number;
  readonly v: number;
}

type Rule<Name> = (spec: OptimizerSpec & { name: Name }, state: State, g: number, rate: number, t: number) => State;

const adam: Rule<'adam' | 'adamw'> = (spec, { p: before, m: m0, v: v0 }, g0, rate, t) => {
  const decay = spec.weight_decay ?? (spec.name === 'adamw' ? 0.01 : 0);
  const p = spec.name === 'adamw' ? before - rate * decay * before : before;
  const g = spec.name === 'adamw' ? g0 : g0 + decay * before;
  const [b1, b2] = spec.betas;
  const m = b1 * m0 + (1 - b1) * g;
  const v = b2 * v0 + (1 - b2) * g * g;
  return { p: p - (rate * (m / (1 - b1 ** t))) / (Math.sqrt(v / (1 - b2 ** t)) + spec.eps), m, v };
};

const RULES: { [Name in OptimizerSpec['name']]: Rule<Name> } = {
  sgd: (spec, { p, m: m0, v }, g0, rate) => {
    const g = g0 + spec.weight_decay * p;
    const m = spec.momentum * m0 + g;
    return { p: p - rate * (spec.nesterov ? g + spec.momentum * m : m), m, v };
  },
  rmsprop: (spec, { p, m, v: v0 }, g0, rate) => {
    const g = g0 + spec.weight_decay * p;
    const v = spec.alpha * v0 + (1 - spec.alpha) * g * g;
    return { p: p - (rate * g) / (Math.sqrt(v) + spec.eps), m, v };
  },
  adam,
  adamw: adam,
};
