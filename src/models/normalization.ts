import type { LayerFactory } from '../layers/factory.ts';
import type { Layer } from '../layers/layer.ts';

export type NormalizationName = 'batch' | 'instance' | 'group';

/** Group normalization cuts the channels in so many groups, or fewer where that does not divide them. */
const GROUPS = 8;

/** The normalization that the run file asks for. Instance normalization has a scale and an offset, as in nnU-Net. */
export const normalization = (make: LayerFactory, norm: NormalizationName, name: string, channels: number): Layer => {
  switch (norm) {
    case 'batch':
      return make.batchNorm(name, { channels });
    case 'instance':
      return make.instanceNorm(name, { channels, affine: true });
    case 'group':
      return make.groupNorm(name, { channels, groups: largestDivisor(channels, GROUPS) });
  }
};

const largestDivisor = (whole: number, most: number): number => {
  let divisor = Math.min(whole, most);
  while (whole % divisor !== 0) divisor--;
  return divisor;
};
