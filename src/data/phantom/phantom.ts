import { RandomStream } from '../../random/stream.ts';
import type { Affine, Volume } from '../volume.ts';
import { addNoise, applyBiasField, blurVoxels } from './appearance.ts';
import { drawOrgans, type Body } from './organs.ts';
import { drawPose } from './pose.ts';
import { PHANTOM_CLASSES } from './structures.ts';
import { depthWithNose, drawEyes, drawSurroundings, tissueAt } from './surroundings.ts';
import { BRAIN_VALUE, drawBrightness, type Tissue } from './tissues.ts';
import { Variation } from './variation.ts';

type Triple = readonly [number, number, number];

export interface PhantomOptions {
  /** Voxels along x, y, z. */
  readonly size: Triple;
  /** Millimetres a voxel. Cubes that just hold the head unless given; else the head is scaled to fit. */
  readonly spacing?: Triple;
  readonly seed: number;
  /** Which case: each has a pose, shapes and brightnesses of its own. */
  readonly index: number;
  /** Deviation of the noise, brain being 1. */
  readonly noise: number;
  /** The bias field lies within 1 ± this. */
  readonly bias: number;
}

export interface Phantom {
  readonly image: Volume<Int16Array>;
  readonly labels: Volume<Uint8Array>;
}

/** Millimetres along x, y, z that hold the head in every pose; the neck leaves at the bottom. */
const FIELD_OF_VIEW: Triple = [180, 232, 224];

/**
 * Draws a head with nine organs: an image as of a magnetic resonance scanner, and the true class of every voxel. The same
 * seed and index give the same head on every grid, and the same voxels on the same grid.
 */
export function drawPhantom(options: PhantomOptions): Phantom {
  const { size, seed, index } = options;
  const stream = (purpose: string): RandomStream => new RandomStream(seed, 'phantom', index, purpose);
  const spacing = options.spacing ?? spacingFor(size);
  const { brightness, classes } = drawHead({ size, spacing, stream });
  blurVoxels(brightness, size);
  applyBiasField(brightness, size, stream('bias'), options.bias);
  addNoise(brightness, stream('noise'), options.noise * BRAIN_VALUE);
  const grid = { size, channels: 1, affine: affineOf(size, spacing) };
  return { image: { ...grid, values: Int16Array.from(brightness, Math.round) }, labels: { ...grid, values: classes } };
}

function spacingFor(size: Triple): Triple {
  const cube = Math.max(...size.map((length, axis) => FIELD_OF_VIEW[axis]! / length));
  return [cube, cube, cube];
}

/** The middle of the image is at the origin; axes run right, forwards and up. */
const affineOf = (size: Triple, spacing: Triple): Affine => [
  [spacing[0], 0, 0, (-spacing[0] * (size[0] - 1)) / 2],
  [0, spacing[1], 0, (-spacing[1] * (size[1] - 1)) / 2],
  [0, 0, spacing[2], (-spacing[2] * (size[2] - 1)) / 2],
  [0, 0, 0, 1],
];

interface Head {
  readonly size: Triple;
  readonly spacing: Triple;
  readonly stream: (purpose: string) => RandomStream;
}

/** What is seen at the middle of every voxel. */
function drawHead({ size, spacing, stream }: Head): { brightness: Float32Array; classes: Uint8Array } {
  const vary = new Variation(stream('shapes'));
  const bodies = [...drawEyes(vary), ...drawOrgans(vary), ...drawSurroundings(vary)];
  const levels = drawBrightness(stream('brightness'));
  const pose = drawPose(stream('pose'));
  const fit = Math.max(...FIELD_OF_VIEW.map((mm, axis) => mm / (size[axis]! * spacing[axis]!)));
  const place = (i: number, axis: 0 | 1 | 2): number => fit * spacing[axis] * (i - (size[axis] - 1) / 2);
  const brightness = new Float32Array(size[0] * size[1] * size[2]);
  const classes = new Uint8Array(brightness.length);
  const at = new Float64Array(3);
  for (let k = 0, i = 0; k < size[2]; k++)
    for (let j = 0; j < size[1]; j++)
      for (let h = 0; h < size[0]; h++, i++) {
        pose(place(h, 0), place(j, 1), place(k, 2), at);
        const { tissue, label } = seenAt(bodies, at[0]!, at[1]!, at[2]!);
        brightness[i] = levels[tissue];
        classes[i] = label;
      }
  return { brightness, classes };
}

function seenAt(bodies: readonly Body[], x: number, y: number, z: number): { tissue: Tissue; label: number } {
  const depth = depthWithNose(x, y, z);
  if (depth < 0) return OUTSIDE;
  for (const { shape, tissue, core, organ } of bodies) {
    const { low, high } = shape;
    if (x < low[0] || x > high[0] || y < low[1] || y > high[1] || z < low[2] || z > high[2]) continue;
    const level = shape.level(x, y, z);
    if (level > 1) continue;
    const label = organ ? PHANTOM_CLASSES.indexOf(organ) : 0;
    return { tissue: core && level < core.level ? core.tissue : tissue, label };
  }
  return { tissue: tissueAt(x, y, z, depth), label: 0 };
}

const OUTSIDE = { tissue: 'air', label: 0 } as const;
