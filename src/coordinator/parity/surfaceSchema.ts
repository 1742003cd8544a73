import { z } from 'zod';

const each = z.array(z.number().nonnegative());

/** What a case of surface distances says of itself. */
export const surfaceSchema = z.object({
  kind: z.literal('metric'),
  metric: z.literal('surface'),
  include_background: z.boolean().default(false),
  distance_metric: z.literal('euclidean').default('euclidean'),
  use_subvoxels: z.literal(false).default(false),
  percentile: z.number().min(0).max(100).default(95),
  /** Of the Hausdorff distances: from prediction to truth alone. */
  directed: z.boolean().default(false),
  /** Of `asd`; `assd` is symmetric by name. */
  symmetric: z.boolean().default(false),
  /** Along the tensor's axes; used for the tensors whose name ends in _spacing. */
  spacing: z.union([z.number().positive(), z.array(z.number().positive())]).default(1),
  /** One for each class that counts, or one for all. */
  surface_dice_threshold: z.union([z.number().nonnegative(), each]).default(1),
});

export type SurfaceCase = z.infer<typeof surfaceSchema>;
