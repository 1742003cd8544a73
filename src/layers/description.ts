import type { SpatialDims } from './geometry.ts';
import type { ParameterSpec } from './parameter.ts';

/**
 * What a layer does in evaluation, as plain data: what another program needs to do the same. Sizes are one for each spatial
 * axis; parameters are those of the layer, in their order.
 */
export type LayerDescription =
  | {
      readonly kind: 'convolution';
      readonly strides: readonly number[];
      readonly dilations: readonly number[];
      /** Zeros on either side. */
      readonly padding: readonly number[];
    }
  | {
      readonly kind: 'transposed convolution';
      readonly strides: readonly number[];
      readonly padding: readonly number[];
      readonly outputPadding: readonly number[];
    }
  | { readonly kind: 'batch normalization'; readonly epsilon: number }
  | { readonly kind: 'instance normalization'; readonly channels: number; readonly epsilon: number }
  | { readonly kind: 'group normalization'; readonly groups: number; readonly epsilon: number }
  | { readonly kind: 'leaky ReLU'; readonly slope: number }
  | { readonly kind: 'parametric ReLU'; readonly spatialDims: SpatialDims }
  | { readonly kind: 'sigmoid' }
  | {
      readonly kind: 'max pooling' | 'average pooling';
      readonly sizes: readonly number[];
      readonly strides: readonly number[];
    }
  | { readonly kind: 'linear upsampling'; readonly scale: readonly number[] }
  /** The mean over space through two linear layers, each with an activation; the input times that, and plus itself where residual. */
  | {
      readonly kind: 'squeeze and excitation';
      readonly spatialDims: SpatialDims;
      readonly hidden: LayerDescription;
      readonly gate: LayerDescription;
      readonly residual: boolean;
    }
  /** Layers side by side on one input, their outputs concatenated along the channels. */
  | { readonly kind: 'side by side'; readonly branches: readonly DescribedLayer[] }
  /** The output is the input: dropout in evaluation. */
  | { readonly kind: 'nothing' };

/** A layer, as far as its description goes. */
export interface DescribedLayer<Description extends LayerDescription = LayerDescription> {
  readonly name: string;
  readonly parameters: readonly ParameterSpec[];
  readonly description: Description;
}
