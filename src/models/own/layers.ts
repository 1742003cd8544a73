import { coarseningOf } from '../../config/cellsDivisor.ts';
import type { LayerSpec } from '../../config/schema/cells.ts';
import type { LayerFactory } from '../../layers/factory.ts';
import type { Layer } from '../../layers/layer.ts';
import { OwnModelError } from './error.ts';

/** What flows from cell to cell: how many channels, and how coarse it is along each axis (2 is half of the image's resolution). */
export interface Flow {
  readonly channels: number;
  readonly scale: readonly number[];
}

interface Place {
  readonly cell: string;
  readonly dims: number;
}

/** A layer that takes what flows, and what flows on. Throws an OwnModelError. */
export function buildLayer(
  make: LayerFactory,
  spec: LayerSpec,
  name: string,
  flow: Flow,
  place: Place,
): { layer: Layer; flow: Flow } {
  const { channels } = flow;
  const scale = scaled(flow, spec, place);
  const same = (layer: Layer): { layer: Layer; flow: Flow } => ({ layer, flow });
  try {
    switch (spec.name) {
      case 'convolution': {
        const { channels: outChannels, kernel, stride, dilation, padding, bias } = spec;
        const options = { inChannels: channels, outChannels, kernel, stride, dilation, padding, bias };
        return { layer: make.convolution(name, options), flow: { channels: outChannels, scale } };
      }
      case 'transposed_convolution': {
        const { channels: outChannels, kernel, stride, bias } = spec;
        const options = { inChannels: channels, outChannels, kernel, stride, bias };
        const layer = make.transposedConvolution(name, options);
        return { layer, flow: { channels: outChannels, scale } };
      }
      case 'batch_norm':
        return same(make.batchNorm(name, { channels }));
      case 'instance_norm':
        return same(make.instanceNorm(name, { channels, affine: true }));
      case 'group_norm':
        return same(make.groupNorm(name, { channels, groups: spec.groups }));
      case 'leaky_relu':
        return same(make.leakyRelu(name, { slope: spec.slope }));
      case 'relu':
        return same(make.relu(name));
      case 'prelu':
        return same(make.parametricRelu(name));
      case 'sigmoid':
        return same(make.sigmoid(name));
      case 'dropout':
        return same(make.dropout(name, { rate: spec.rate }));
      case 'max_pool':
        return { layer: make.maxPool(name, spec), flow: { channels, scale } };
      case 'average_pool':
        return { layer: make.averagePool(name, spec), flow: { channels, scale } };
      case 'upsample':
        return { layer: make.upsample(name, spec), flow: { channels, scale } };
    }
  } catch (cause) {
    if (cause instanceof OwnModelError) throw cause;
    throw new OwnModelError(place.cell, (cause as Error).message, 'correct that layer', { cause });
  }
}

/** How coarse the layer's output is. */
function scaled({ scale }: Flow, spec: LayerSpec, { cell }: Place): readonly number[] {
  const by = coarseningOf(spec);
  return scale.map((before, axis) => {
    const factor = typeof by === 'number' ? by : (by[axis] ?? 1);
    const after = before * factor;
    if (!Number.isInteger(Math.round(after * 1e6) / 1e6))
      throw new OwnModelError(
        cell,
        `it upsamples by ${1 / factor} what is ${before} times coarser than the image`,
        'a network does not go beyond the resolution of its image',
      );
    return Math.round(after);
  });
}
