import { z } from 'zod';
import { lossSchema } from './loss.ts';
import { modelSchema } from './model.ts';
import { positive } from './number.ts';

/*
 * What workers can be given beyond what a run file can say: single blocks of a network, and the gradient of an output in the
 * place of a loss. `lamp parity` compares them with the research code's, through the same pipeline as whole networks.
 */

const perAxis = z.union([positive, z.array(positive).min(2).max(3)]);
const activation = z.enum(['relu', 'leaky_relu', 'sigmoid']);

/** A block by itself; its parameters' names begin with `block.`. */
const blockSchema = z.strictObject({
  name: z.literal('block'),
  spatial_dims: z.union([z.literal(2), z.literal(3)]),
  in_channels: positive,
  block: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('max_average_pool'), kernel: perAxis, stride: perAxis.optional() }),
    z.strictObject({
      kind: z.literal('squeeze_excite'),
      reduction: z.number().positive(),
      hidden: activation,
      gate: activation,
      residual: z.boolean(),
    }),
    z.strictObject({
      kind: z.literal('aspp'),
      branch_channels: positive,
      kernels: z.array(perAxis).min(1),
      dilations: z.array(perAxis).min(1),
    }),
  ]),
});

export const networkSchema = z.discriminatedUnion('name', [...modelSchema.options, blockSchema]);

/** The loader sends the gradient of every micro-batch's output, where it would send labels. */
const givenGradient = z.strictObject({ name: z.literal('given_gradient') });

export const networkLossSchema = z.discriminatedUnion('name', [...lossSchema.options, givenGradient]);

export type NetworkSpec = z.infer<typeof networkSchema>;
export type BlockSpec = z.infer<typeof blockSchema>;
export type NetworkLossSpec = z.infer<typeof networkLossSchema>;
