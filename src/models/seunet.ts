import type { ModelSpec } from '../config/runFile.ts';
import { layersFor, type LayerFactory } from '../layers/factory.ts';
import type { Cell, Model } from './cell.ts';
import { normalization, type NormalizationName } from './normalization.ts';
import { skip, unet, type UnetParts } from './unet.ts';

export type SeunetSpec = Extract<ModelSpec, { name: 'seunet' }>;

/**
 * The squeeze-and-excitation U-Net of the LAMP paper (Zhu et al., MICCAI 2020): the residual blocks of AnatomyNet (Zhu et al.,
 * Medical Physics 2019) in LAMP's U-Net, n features, depth d, channels cₖ = min(n·2ᵏ, 1024):
 *
 *     stem      conv 3, stride 2 → norm, lrelu → block ────────── skip 0 ──────────┐      1/2
 *     down k    conv 3, stride 2 → norm, lrelu → block ────────── skip k ───────┐  │      1/2ᵏ⁺¹     k = 1 … d, no skip d
 *     up j      transposed 2, stride 2 → ⊕ skip d−1−j ◀─────────────────────────┴──┘      1/2ᵈ⁻ʲ     j = 0 … d−1
 *               → block
 *     head      transposed 2, stride 2 to min(n/2, 32), lrelu → conv 3 to the classes     1
 *
 *     block     conv 3 → norm, lrelu → conv 3 → norm → squeeze and excite → + → lrelu
 *                └────────── 1×1 conv and norm, where the width changes ────┘
 *
 * The paper's own code is not published; what it does not say is as in AnatomyNet. A block is five cells.
 */
export const seunet = (spec: SeunetSpec): Model => unet(spec, partsOf(spec));

const partsOf = (spec: SeunetSpec): UnetParts => {
  const make = layersFor(spec.spatial_dims);
  const block = residualBlock(make, spec);
  const halve = (prefix: string, inChannels: number, outChannels: number): Cell[] => {
    const convolution = { inChannels, outChannels, kernel: 3, stride: 2, padding: 1, bias: false };
    return [
      { name: `${prefix}.conv`, layers: [make.convolution(`${prefix}.conv`, convolution)] },
      { ...normalized(make, spec.norm, `${prefix}.norm`, outChannels), stash: `${prefix}.shortcut` },
    ];
  };
  const double = (name: string, inChannels: number, outChannels: number) =>
    make.transposedConvolution(name, { inChannels, outChannels, kernel: 2, stride: 2 });
  const encode = (level: number, from: number, to: number, stash: string | undefined): Cell[] => {
    const prefix = `encoder.${level}`;
    const shortcut = `${prefix}.down.shortcut`;
    return [...halve(`${prefix}.down`, from, to), ...block(`${prefix}.block`, { from: to, to, shortcut, stash })];
  };
  return {
    stem: (): Cell[] => encode(0, spec.in_channels, spec.n_feat, skip(0)),
    down: (level: number, from: number, to: number, stashes: boolean): Cell[] =>
      encode(level, from, to, stashes ? skip(level) : undefined),
    up: (index: number, from: number, to: number, level: number): Cell[] => {
      const prefix = `decoder.${index}`;
      const upsample = double(`${prefix}.up`, from, to);
      const shortcut = `${prefix}.shortcut`;
      return [
        { name: upsample.name, layers: [upsample] },
        // Nothing but the joining: what the block begins with is also what its shortcut carries.
        { name: `${prefix}.join`, layers: [], pop: skip(level), stash: shortcut },
        ...block(`${prefix}.block`, { from: 2 * to, to, shortcut }),
      ];
    },
    head: (channels): Cell[] => {
      const prefix = `decoder.${spec.depth}`;
      const upsample = double(`${prefix}.up`, spec.n_feat, channels);
      const out = { inChannels: channels, outChannels: spec.out_channels, kernel: 3, padding: 1 };
      return [
        { name: upsample.name, layers: [upsample, make.leakyRelu(`${prefix}.lrelu`)] },
        { name: `${prefix}.out`, layers: [make.convolution(`${prefix}.out`, out)] },
      ];
    },
  };
};

const normalized = (make: LayerFactory, norm: NormalizationName, name: string, channels: number): Cell => ({
  name,
  layers: [normalization(make, norm, name, channels), make.leakyRelu(`${name}.lrelu`)],
});

interface Block {
  readonly from: number;
  readonly to: number;
  /** The skip that the block's input was left under. */
  readonly shortcut: string;
  /** The skip that its output is left under. */
  readonly stash?: string | undefined;
}

/** AnatomyNet's residual squeeze-and-excitation block. */
const residualBlock =
  (make: LayerFactory, { norm, reduction }: SeunetSpec) =>
  (prefix: string, { from, to, shortcut, stash }: Block): Cell[] => {
    const convolution = (name: string, inChannels: number, kernel: number): Cell => ({
      name,
      layers: [make.convolution(name, { inChannels, outChannels: to, kernel, padding: 'same', bias: false })],
    });
    const excite = { channels: to, reduction, hidden: 'leaky_relu', gate: 'sigmoid', residual: false } as const;
    const through = [
      ...convolution(`${prefix}.shortcut.conv`, from, 1).layers,
      normalization(make, norm, `${prefix}.shortcut.norm`, to),
    ];
    return [
      convolution(`${prefix}.conv1`, from, 3),
      normalized(make, norm, `${prefix}.norm1`, to),
      convolution(`${prefix}.conv2`, to, 3),
      {
        name: `${prefix}.norm2`,
        layers: [normalization(make, norm, `${prefix}.norm2`, to), make.squeezeExcite(`${prefix}.se`, excite)],
      },
      {
        name: `${prefix}.add`,
        layers: [make.leakyRelu(`${prefix}.lrelu`)],
        pop: shortcut,
        join: 'add',
        ...(from === to ? {} : { popThrough: through }),
        ...(stash === undefined ? {} : { stash }),
      },
    ];
  };
