import type { BlockSpec } from '../config/schema/network.ts';
import { layersFor } from '../layers/factory.ts';
import type { Cell, Model } from './cell.ts';
import { asppCells } from './coplenet.ts';
import { cellOutputShape } from './runCell.ts';

/** What a block's parameters are called begins with this. */
const NAME = 'block';

/** A block as a network of its own. */
export const block = (spec: BlockSpec): Model => {
  const { spatial_dims: spatialDims, in_channels: inChannels } = spec;
  const cells = cellsOf(spec);
  // Large enough for any window.
  const input = [1, ...Array.from({ length: spatialDims }, () => 2 ** 10), inChannels];
  const output = cells.reduce<readonly number[]>((shape, cell) => cellOutputShape(cell, shape), input);
  return { name: spec.name, spatialDims, inChannels, outChannels: output.at(-1)!, cells, divisor: 1 };
};

const cellsOf = ({ spatial_dims: dims, in_channels: inChannels, block: options }: BlockSpec): Cell[] => {
  const make = layersFor(dims);
  switch (options.kind) {
    case 'max_average_pool': {
      const { kernel, stride = kernel } = options;
      return [{ name: NAME, layers: [make.maxAveragePool(NAME, { kernel, stride })] }];
    }
    case 'squeeze_excite': {
      const { kind: _, ...rest } = options;
      return [{ name: NAME, layers: [make.squeezeExcite(NAME, { channels: inChannels, ...rest })] }];
    }
    case 'aspp': {
      const { branch_channels: branchChannels, kernels, dilations } = options;
      return asppCells(make, `${NAME}.`, { inChannels, branchChannels, kernels, dilations });
    }
  }
};
