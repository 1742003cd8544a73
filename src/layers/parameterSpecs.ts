import type { Shape } from '../engine/tensor.ts';
import type { ParameterSpec } from './parameter.ts';

/** A parameter of one value a channel. */
export const vectorOf = (name: string, channels: number, value: number): ParameterSpec => ({
  name,
  shape: [channels],
  layout: 'vector',
  initializer: { kind: 'constant', value },
  role: 'parameter',
});

/** A running statistic of one value a channel: saved with the parameters, without a gradient. */
export const bufferOf = (name: string, channels: number, value: number): ParameterSpec => ({
  ...vectorOf(name, channels, value),
  role: 'buffer',
});

/** The filter, started by He's rule, and a bias of zeros where `bias` (its length) is not 0. */
export function convolutionParameters(
  name: string,
  filter: { shape: Shape; layout: 'convolution' | 'transposed'; fanIn: number; bias: number },
): ParameterSpec[] {
  const { shape, layout, fanIn, bias } = filter;
  const weight: ParameterSpec = {
    name: `${name}.weight`,
    shape,
    layout,
    initializer: { kind: 'he', fanIn },
    role: 'parameter',
  };
  if (bias === 0) return [weight];
  return [weight, vectorOf(`${name}.bias`, bias, 0)];
}

/** The matrix and the bias of a linear layer, started as PyTorch's Linear: uniform within ±1/√inputs. */
export function linearParameters(name: string, inputs: number, outputs: number): ParameterSpec[] {
  const initializer = { kind: 'uniform', bound: 1 / Math.sqrt(inputs) } as const;
  return [
    { name: `${name}.weight`, shape: [inputs, outputs], layout: 'matrix', initializer, role: 'parameter' },
    { name: `${name}.bias`, shape: [outputs], layout: 'vector', initializer, role: 'parameter' },
  ];
}
