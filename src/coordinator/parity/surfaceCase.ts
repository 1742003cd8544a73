import type { SpacedGrid } from '../../metrics/distanceTransform.ts';
import { surfaceDistances, type SurfaceDistances } from '../../metrics/surfaceDistances.ts';
import { averageSurfaceDistance, hausdorffDistance, surfaceDice } from '../../metrics/surfaceFigures.ts';
import { compareElements, DIRECT, type Comparison } from './compare.ts';
import { tensorOf, type ReferenceCase } from './referenceCase.ts';
import type { SurfaceCase } from './surfaceSchema.ts';

/** One class of one sample, as masks of 0 and 1. */
interface Structure {
  readonly prediction: Uint8Array;
  readonly truth: Uint8Array;
  /** Its place among the classes that count. */
  readonly place: number;
}

type Figure = (distances: SurfaceDistances, place: number) => number;

/** Surfaces of one-hot volumes: every figure that the case has a tensor of, with its spacing where the name says so. */
export function runSurfaceCase(reference: ReferenceCase, description: SurfaceCase): Comparison[] {
  const structures = structuresOf(reference, description.include_background);
  const axes = tensorOf(reference, 'target').shape.slice(2);
  return Object.entries(figuresOf(description)).flatMap(([figure, compute]) =>
    [figure, `${figure}_spacing`].flatMap((name) => {
      const expected = reference.tensors.get(name)?.values;
      if (!expected) return [];
      const grid = gridOf(axes, name === figure ? 1 : description.spacing);
      const got = structures.map((structure, i) => valueOf(structure, grid, compute, Number(expected[i])));
      return [compareElements(name, [{ name, got: Float64Array.from(got), expected }], DIRECT)];
    }),
  );
}

const figuresOf = (description: SurfaceCase): Readonly<Record<string, Figure>> => {
  const { percentile, directed, symmetric, surface_dice_threshold: thresholds } = description;
  return {
    hd: (distances) => hausdorffDistance(distances, { directed }),
    hd95: (distances) => hausdorffDistance(distances, { percentile, directed }),
    asd: (distances) => averageSurfaceDistance(distances, { symmetric }),
    assd: (distances) => averageSurfaceDistance(distances, { symmetric: true }),
    surface_dice: (distances, place) =>
      surfaceDice(distances, typeof thresholds === 'number' ? thresholds : (thresholds[place] ?? Number.NaN)),
  };
};

function valueOf({ prediction, truth, place }: Structure, grid: SpacedGrid, figure: Figure, expected: number): number {
  // Of a class that is absent from the target MONAI's distances are infinite; a case may say NaN instead.
  if (Number.isNaN(expected) && !truth.includes(1)) return Number.NaN;
  return figure(surfaceDistances(prediction, truth, 1, grid), place);
}

/** The masks of `prediction` and `target` (batch, classes, …), in the order of the expected tensors. */
function structuresOf(reference: ReferenceCase, includeBackground: boolean): readonly Structure[] {
  const [prediction, target] = (['prediction', 'target'] as const).map((name) => tensorOf(reference, name));
  const [batch = 1, classes = 1, ...axes] = target!.shape;
  const voxels = axes.reduce((product, length) => product * length, 1);
  const mask = (values: ArrayLike<number | bigint>, index: number): Uint8Array =>
    Uint8Array.from({ length: voxels }, (_, i) => (Number(values[index * voxels + i]) > 0.5 ? 1 : 0));
  // As MONAI: a volume of one class has no background to leave out.
  const first = includeBackground || classes === 1 ? 0 : 1;
  return Array.from({ length: batch * classes }, (_, index) => index)
    .filter((index) => index % classes >= first)
    .map((index) => ({
      prediction: mask(prediction!.values, index),
      truth: mask(target!.values, index),
      place: (index % classes) - first,
    }));
}

/** A volume has its first axis fastest, so its axes are the tensor's turned round. */
function gridOf(axes: readonly number[], spacing: number | readonly number[]): SpacedGrid {
  const along = typeof spacing === 'number' ? axes.map(() => spacing) : spacing;
  return { size: axes.toReversed(), spacing: along.toReversed() };
}
