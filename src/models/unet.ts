import { modelDivisor } from '../config/modelDivisor.ts';
import type { ModelSpec } from '../config/runFile.ts';
import { layersFor } from '../layers/factory.ts';
import type { Cell, Model } from './cell.ts';

/** LAMP's U-Nets. */
export type UnetSpec = Extract<ModelSpec, { name: 'unetpipe' | 'seunet' }>;

/** No level has more channels than this. */
const MOST_CHANNELS = 1024;
/** The head has at most this many. */
const MOST_HEAD_CHANNELS = 32;
/** Levels of the decoder that have heads of their own in deep supervision. */
const MOST_HEADS = 3;

/** The parts of a U-Net, each as its cells. */
export interface UnetParts {
  readonly stem: () => Cell[];
  /** Level `level` of the encoder, 1 … depth; all but the last leave skip `encoder.<level>`. */
  readonly down: (level: number, from: number, to: number, stashes: boolean) => Cell[];
  /** Level `index` of the decoder, 0 … depth − 1, which pops skip `encoder.<level>` and stashes nothing at its end. */
  readonly up: (index: number, from: number, to: number, level: number) => Cell[];
  /** From half resolution to the classes at full resolution. */
  readonly head: (channels: number) => Cell[];
}

export const skip = (level: number): string => `encoder.${level}`;

/**
 * Puts the parts together, with cₖ = min(n·2ᵏ, 1024) channels at level k; and in deep supervision the heads of coarser levels
 * behind, which are there in training only: each sends its level through a 1 × 1 convolution to the classes and, linearly, up to
 * full resolution, and puts that behind the channels of the output.
 */
export function unet(spec: UnetSpec, parts: UnetParts): Model {
  const { depth } = spec;
  const widths = Array.from({ length: depth + 1 }, (_, level) => Math.min(spec.n_feat * 2 ** level, MOST_CHANNELS));
  const down = Array.from({ length: depth }, (_, k) => parts.down(k + 1, widths[k]!, widths[k + 1]!, k + 1 < depth));
  const up = Array.from({ length: depth }, (_, j) =>
    parts.up(j, widths[depth - j]!, widths[depth - j - 1]!, depth - 1 - j),
  );
  const channels = Math.max(1, Math.min(Math.floor(spec.n_feat / 2), MOST_HEAD_CHANNELS));
  const supervised = spec.deep_supervision
    ? Array.from({ length: Math.min(depth, MOST_HEADS) }, (_, k) => depth - 1 - k)
    : [];
  for (const index of supervised) up[index] = stashedAtEnd(up[index]!, deep(index));
  const heads = supervised.map((index) => deepHead(spec, index, widths[depth - index - 1]!));
  return {
    name: spec.name,
    spatialDims: spec.spatial_dims,
    inChannels: spec.in_channels,
    outChannels: spec.out_channels,
    cells: [...parts.stem(), ...down.flat(), ...up.flat(), ...parts.head(channels), ...heads],
    divisor: modelDivisor(spec),
  };
}

const deep = (index: number): string => `deep.${index}`;

const stashedAtEnd = (cells: readonly Cell[], stash: string): Cell[] =>
  cells.map((cell, i) => (i === cells.length - 1 ? { ...cell, stash } : cell));

/** The head of level `index` of the decoder, which is 2^(depth − index) times coarser than the image. */
function deepHead(spec: UnetSpec, index: number, inChannels: number): Cell {
  const make = layersFor(spec.spatial_dims);
  const name = deep(index);
  return {
    name,
    layers: [],
    pop: name,
    popThrough: [
      make.convolution(`${name}.conv`, { inChannels, outChannels: spec.out_channels, kernel: 1 }),
      make.upsample(`${name}.upsample`, { scale: 2 ** (spec.depth - index) }),
    ],
    trainingOnly: true,
  };
}
