import { modelDivisor } from '../config/modelDivisor.ts';
import type { ModelSpec } from '../config/runFile.ts';
import { layersFor, type LayerFactory } from '../layers/factory.ts';
import type { PerAxis } from '../layers/geometry.ts';
import type { Layer } from '../layers/layer.ts';
import type { Cell, Model } from './cell.ts';

export type CopleNetSpec = Extract<ModelSpec, { name: 'coplenet' }>;

/**
 * COPLE-Net (Wang et al., A Noise-robust Framework for Automatic Segmentation of COVID-19 Pneumonia Lesions, 2020) as MONAI's
 * research code has it, with widths cₖ = 2·cₖ₋₁ at resolution 1/2ᵏ:
 *
 *     in_conv                 block ── skip 0 ─────────────────────── bridge0 ──┐
 *     downₖ   max ‖ average pooling → block, + what was pooled ── skip k ── bridgeₖ ┐ │     k = 1 … 4, no skip 4
 *     aspp    four dilated convolutions side by side → conv 1 → norm, lrelu         │ │
 *     upⱼ     up to half the channels → behind the bridge 4 − j → block, + what was joined ◀┘    j = 1 … 4
 *     out_conv  conv 3 to the classes
 *
 * A block is conv 3 → norm, lrelu → dropout → conv 3 → norm, lrelu → squeeze-excite; a bridge conv 1 → norm, lrelu to half the
 * channels, which is done where the skip is popped. Each convolution and normalization is a cell of its own.
 */
export const coplenet = (spec: CopleNetSpec): Model => {
  const { feature_channels: widths, dropout } = spec;
  const build = builder(spec);
  const down = [1, 2, 3, 4].flatMap((level) => build.down(level, widths[level]!, dropout[level]!));
  const up = [3, 2, 1, 0].flatMap((level) => build.up(level, widths[level]!, dropout[level]!));
  return {
    name: spec.name,
    spatialDims: spec.spatial_dims,
    inChannels: spec.in_channels,
    outChannels: spec.out_channels,
    cells: [...build.enter(widths[0], dropout[0]), ...down, ...build.aspp(widths[4]), ...up, build.leave(widths[0])],
    divisor: modelDivisor(spec),
  };
};

const bridged = (level: number): string => `x${level}`;

const builder = (spec: CopleNetSpec) => {
  const make = layersFor(spec.spatial_dims);
  const block = blockCells(make);
  return {
    enter: (width: number, rate: number): Cell[] =>
      stashing(block('in_conv', spec.in_channels, width, rate), bridged(0)),

    down: (level: number, width: number, rate: number): Cell[] => {
      const name = `down${level}`;
      const pool = make.maxAveragePool(`${name}.max_avg_pool`, { kernel: 2 });
      const cells = [
        { name: pool.name, layers: [pool], stash: `${name}.pooled` },
        ...block(`${name}.conv`, width, width, rate),
        sum(name, `${name}.pooled`),
      ];
      return level === 4 ? cells : stashing(cells, bridged(level));
    },

    aspp: (width: number): Cell[] =>
      asppCells(make, 'aspp.', {
        inChannels: width,
        branchChannels: width / 4,
        kernels: [1, 3, 3, 3],
        dilations: [1, 2, 4, 6],
      }),

    up: (level: number, width: number, rate: number): Cell[] => {
      const name = `up${4 - level}`;
      return [
        { name: `${name}.up`, layers: upsampling(make, `${name}.up.upsample`, 2 * width, width / 2, spec.bilinear) },
        {
          ...{ name: `bridge${level}`, layers: [], pop: bridged(level), join: 'prepend' },
          popThrough: activated(make, `bridge${level}`, width, width / 2),
          stash: `${name}.joined`,
        },
        ...block(`${name}.conv`, width, width, rate),
        sum(name, `${name}.joined`),
      ];
    },

    leave: (width: number): Cell => {
      const options = { inChannels: width, outChannels: spec.out_channels, kernel: 3, padding: 1 };
      return { name: 'out_conv', layers: [make.convolution('out_conv.conv', options)] };
    },
  };
};

const stashing = (cells: readonly Cell[], stash: string): Cell[] =>
  cells.map((cell, index) => (index === cells.length - 1 ? { ...cell, stash } : cell));

/** What was there before the block is added to what the block made. */
const sum = (name: string, pop: string): Cell => ({ name: `${name}.sum`, layers: [], pop, join: 'add' });

/** Convolution of 1, normalization, leaky ReLU. */
const activated = (make: LayerFactory, name: string, inChannels: number, outChannels: number): Layer[] => [
  make.convolution(`${name}.conv`, { inChannels, outChannels, kernel: 1, bias: 'cancelled' }),
  make.batchNorm(`${name}.norm`, { channels: outChannels }),
  make.leakyRelu(`${name}.act`),
];

const blockCells =
  (make: LayerFactory) =>
  (name: string, inChannels: number, outChannels: number, rate: number): Cell[] => {
    const prefix = `${name}.conv_conv_se`;
    const convolution = (index: number, from: number): Cell => {
      const options = { inChannels: from, outChannels, kernel: 3, padding: 1, bias: 'cancelled' } as const;
      return {
        name: `${prefix}.${index}.conv`,
        layers: [make.convolution(`${prefix}.${index}.conv`, options)],
      };
    };
    const normalization = (index: number, more: readonly Layer[] = []): Cell => ({
      name: `${prefix}.${index}.norm`,
      layers: [
        make.batchNorm(`${prefix}.${index}.norm`, { channels: outChannels }),
        make.leakyRelu(`${prefix}.${index}.act`),
        ...more,
      ],
    });
    const squeezeExcite = make.squeezeExcite(`${prefix}.3`, {
      ...{ channels: outChannels, reduction: 2, residual: true },
      ...{ hidden: 'leaky_relu', gate: 'relu' },
    });
    return [
      convolution(0, inChannels),
      normalization(0, rate > 0 ? [make.dropout(`${prefix}.1`, { rate })] : []),
      convolution(2, outChannels),
      normalization(2),
      { name: squeezeExcite.name, layers: [squeezeExcite] },
    ];
  };

export interface AsppOptions {
  readonly inChannels: number;
  /** Of each branch. */
  readonly branchChannels: number;
  /** Of each branch. */
  readonly kernels: readonly PerAxis[];
  readonly dilations: readonly PerAxis[];
}

/** Atrous spatial pyramid pooling, MONAI's SimpleASPP: plain convolutions side by side, mixed by one of 1, norm and lrelu. */
export function asppCells(make: LayerFactory, prefix: string, options: AsppOptions): Cell[] {
  const { inChannels, branchChannels, kernels, dilations } = options;
  const branches = kernels.map((kernel, index) => ({
    ...{ inChannels, outChannels: branchChannels, kernel, dilation: dilations[index]! },
    padding: 'same' as const,
    // What a branch adds everywhere, the mix adds everywhere.
    bias: 'cancelled' as const,
  }));
  const convolutions = make.parallelConvolutions(`${prefix}convs`, branches);
  const channels = branchChannels * kernels.length;
  const [mix, ...rest] = activated(make, `${prefix}conv_k1`, channels, channels);
  return [
    { name: convolutions.name, layers: [convolutions] },
    { name: mix!.name, layers: [mix!] },
    { name: rest[0]!.name, layers: rest },
  ];
}

/** To twice the size: a convolution of 1 and linear interpolation, or a transposed convolution. MONAI 0.2.0's UpSample. */
const upsampling = (
  make: LayerFactory,
  name: string,
  inChannels: number,
  outChannels: number,
  linear: boolean,
): Layer[] =>
  linear
    ? [make.convolution(`${name}.0`, { inChannels, outChannels, kernel: 1 }), make.upsample(`${name}.1`)]
    : [make.transposedConvolution(name, { inChannels, outChannels, kernel: 2, stride: 2 })];
