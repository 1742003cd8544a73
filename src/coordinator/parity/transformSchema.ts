import { z } from 'zod';
import { isRandom } from '../../config/transformList.ts';
import { stepSchema } from '../../config/schema/transforms.ts';

const drawn = z.array(z.number()).optional();

/** What a random warp has drawn; the noise that bends the grid, where it does, is the tensor `offset` of the case. */
const warpSchema = z.object({
  name: z.enum(['RandAffine', 'Rand3DElastic']),
  mode: z.enum(['bilinear', 'nearest']),
  padding_mode: z.enum(['zeros', 'border', 'reflection']),
  sigma: z.number().positive().optional(),
  magnitude: z.number().optional(),
  rotate: drawn,
  shear: drawn,
  translate: drawn,
  scale: drawn,
});

/** An argument that names two axes says nothing of the third. */
const THIRD_AXIS: Readonly<Record<string, number>> = { spatial_size: -1, k: -1, pixdim: 1 };

/** The case's arguments as a run file has them. */
function inThreeDimensions(raw: Record<string, unknown>): Record<string, unknown> {
  const { kind: _, note: __, transform: name, ...args } = raw;
  const entries = Object.entries(args).map(([key, value]) => {
    if (key === 'axcodes' && typeof value === 'string') return [key, value.length === 2 ? `${value}S` : value];
    const third = THIRD_AXIS[key];
    return [key, third !== undefined && Array.isArray(value) && value.length === 2 ? value.concat(third) : value];
  });
  return { name, ...Object.fromEntries(entries) };
}

/** A transform of a run file that draws nothing, or what a random warp has drawn. A flip draws only whether it happens. */
export const transformCaseSchema = z
  .looseObject({ kind: z.literal('transform') })
  .transform(inThreeDimensions)
  .pipe(
    z.union([
      warpSchema.transform((warp) => ({ kind: 'transform' as const, warp })),
      stepSchema
        .refine((step) => !isRandom(step) || step.name === 'RandFlip', 'the case does not say what was drawn')
        .transform((step) => ({
          kind: 'transform' as const,
          step: step.name === 'RandFlip' ? { ...step, prob: 1 } : step,
        })),
    ]),
  );

export type TransformCase = z.infer<typeof transformCaseSchema>;
export type DrawnWarp = z.infer<typeof warpSchema>;
