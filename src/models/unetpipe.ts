import type { ModelSpec } from '../config/runFile.ts';
import { layersFor, type LayerFactory } from '../layers/factory.ts';
import type { Layer } from '../layers/layer.ts';
import type { Cell, Model } from './cell.ts';
import { normalization } from './normalization.ts';
import { skip, unet, type UnetParts } from './unet.ts';

export type UnetPipeSpec = Extract<ModelSpec, { name: 'unetpipe' }>;

/**
 * LAMP's parallel U-Net (Zhu et al., MICCAI 2020), n features, depth d, channels cₖ = min(n·2ᵏ, 1024):
 *
 *     stem      conv 3, stride 2 → norm, lrelu ───────────── skip 0 ──────────┐        1/2
 *     down k    conv 3, stride 2 → norm, lrelu → conv 3 ──── skip k ───────┐  │        1/2ᵏ⁺¹      k = 1 … d, no skip d
 *     up j      transposed 2, stride 2 → ⊕ skip d−1−j → conv 1 ◀───────────┴──┘        1/2ᵈ⁻ʲ      j = 0 … d−1
 *               → conv 3 → norm, lrelu → conv 3
 *     head      transposed 2, stride 2 to min(n/2, 32), lrelu → conv 3 to the classes  1
 *
 * A convolution and a normalization with its leaky ReLU are cells of their own: 4 + 8·d of them.
 */
export const unetpipe = (spec: UnetPipeSpec): Model => unet(spec, partsOf(spec));

const partsOf = (spec: UnetPipeSpec): UnetParts => {
  const make = layersFor(spec.spatial_dims);
  const convolutions = convolutionCells(make);
  const normalize = (name: string, channels: number): Cell => ({
    name,
    layers: [normalization(make, spec.norm, name, channels), make.leakyRelu(`${name}.lrelu`)],
  });

  return {
    stem: (): Cell[] => [
      convolutions.halve('encoder.0.Conv.conv', spec.in_channels, spec.n_feat),
      { ...normalize('encoder.0.Conv.norm', spec.n_feat), stash: skip(0) },
    ],
    down: (level: number, from: number, to: number, stashes: boolean): Cell[] => {
      const prefix = `encoder.${level}.Down.conv`;
      const last = convolutions.keep(`${prefix}.1.conv`, to, to);
      return [
        convolutions.halve(`${prefix}.0.conv`, from, to),
        normalize(`${prefix}.0.norm`, to),
        stashes ? { ...last, stash: skip(level) } : last,
      ];
    },
    up: (index: number, from: number, to: number, level: number): Cell[] => {
      const prefix = `decoder.${index}`;
      return [
        cell(convolutions.double(`${prefix}.Up.upsample`, from, to)),
        { ...convolutions.mix(`${prefix}.Conv1x1x1`, 2 * to, from), pop: skip(level) },
        convolutions.keep(`${prefix}.Conv.conv.0.conv`, from, to, false),
        normalize(`${prefix}.Conv.conv.0.norm`, to),
        convolutions.keep(`${prefix}.Conv.conv.1.conv`, to, to),
      ];
    },
    head: (channels): Cell[] => {
      const prefix = `decoder.${spec.depth}`;
      const upsample = convolutions.double(`${prefix}.Up.upsample`, spec.n_feat, channels);
      return [
        { name: upsample.name, layers: [upsample, make.leakyRelu(`${prefix}.lrelu`)] },
        convolutions.keep(`${prefix}.out`, channels, spec.out_channels),
      ];
    },
  };
};

const cell = (layer: Layer): Cell => ({ name: layer.name, layers: [layer] });

/** The four kinds of convolution in the network; only those before a normalization have no bias. */
const convolutionCells = (make: LayerFactory) => ({
  halve: (name: string, inChannels: number, outChannels: number): Cell =>
    cell(make.convolution(name, { inChannels, outChannels, kernel: 3, stride: 2, padding: 1, bias: false })),
  keep: (name: string, inChannels: number, outChannels: number, bias = true): Cell =>
    cell(make.convolution(name, { inChannels, outChannels, kernel: 3, padding: 1, bias })),
  mix: (name: string, inChannels: number, outChannels: number): Cell =>
    cell(make.convolution(name, { inChannels, outChannels, kernel: 1 })),
  double: (name: string, inChannels: number, outChannels: number): Layer =>
    make.transposedConvolution(name, { inChannels, outChannels, kernel: 2, stride: 2 }),
});
