import { labelCounts } from '../../metrics/dice.ts';
import { surfaceDistances } from '../../metrics/surfaceDistances.ts';
import { averageSurfaceDistance, hausdorffDistance, surfaceDice } from '../../metrics/surfaceFigures.ts';
import { spacingOf } from '../../data/affine.ts';
import type { Volume } from '../../data/volume.ts';

/** Distances are in mm, volumes in ml. */
export const FIGURES = [
  'dice',
  'hd95',
  'hd',
  'asd',
  'assd',
  'surface_dice',
  'truth_volume',
  'predicted_volume',
] as const;

export type Figure = (typeof FIGURES)[number];

/** How well a structure was segmented in one case. */
export interface StructureFigures extends Readonly<Record<Figure, number>> {
  readonly structure: string;
}

export interface FigureOptions {
  /** Names, background first. */
  readonly classes: readonly string[];
  /** Of the surface Dice, in mm. */
  readonly tolerance: number;
  /** Whether a structure that is absent from the truth has a Dice: 1 where the prediction is empty too, else 0. */
  readonly countEmpty: boolean;
}

/**
 * Every structure's figures on two label maps of the same grid. A structure that is absent from the truth has NaN for all but
 * its volumes. One that the prediction alone lacks has what MONAI 1.5 gives: 0 for both kinds of Dice, infinite distances, and
 * NaN as their percentile. A volume of one slice is taken as a plane: a structure's surface is its contour in it.
 */
export function figuresOf(
  prediction: Volume<Uint8Array>,
  truth: Volume<Uint8Array>,
  { classes, tolerance, countEmpty }: FigureOptions,
): StructureFigures[] {
  const spacing = spacingOf(truth.affine);
  const axes = truth.size[2] === 1 ? 2 : 3;
  const grid = { size: truth.size.slice(0, axes), spacing: spacing.slice(0, axes) };
  const millilitres = (spacing[0] * spacing[1] * spacing[2]) / 1000;
  const { predicted, actual, overlap } = labelCounts(prediction.values, truth.values, classes.length);
  return classes.slice(1).map((structure, i) => {
    const label = i + 1;
    const [few, many] = [predicted[label]!, actual[label]!];
    const volumes = { truth_volume: many * millilitres, predicted_volume: few * millilitres };
    if (many === 0) return { structure, ...NOTHING, dice: countEmpty ? Number(few === 0) : Number.NaN, ...volumes };
    const distances = surfaceDistances(prediction.values, truth.values, label, grid);
    return {
      structure,
      dice: (2 * overlap[label]!) / (few + many),
      hd95: hausdorffDistance(distances, { percentile: 95 }),
      hd: hausdorffDistance(distances),
      asd: averageSurfaceDistance(distances),
      assd: averageSurfaceDistance(distances, { symmetric: true }),
      surface_dice: surfaceDice(distances, tolerance),
      ...volumes,
    };
  });
}

const NOTHING = {
  hd95: Number.NaN,
  hd: Number.NaN,
  asd: Number.NaN,
  assd: Number.NaN,
  surface_dice: Number.NaN,
} as const;
