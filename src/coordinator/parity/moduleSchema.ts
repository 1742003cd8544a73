import { z } from 'zod';
import { modelSchema } from '../../config/schema/model.ts';
import type { NetworkSpec } from '../../config/schema/network.ts';
import type { ActivationName } from '../../layers/activation.ts';

const positive = z.number().int().positive();
const perAxis = z.union([positive, z.array(positive).min(2).max(3)]);
const spatialDims = z.union([z.literal(2), z.literal(3)]);

/** MONAI's name of an activation, alone or with arguments that do not change what it computes. */
const activation = z
  .union([z.string(), z.tuple([z.string(), z.strictObject({ inplace: z.boolean().optional() })])])
  .transform((given) => (typeof given === 'string' ? given : given[0]).toLowerCase())
  .pipe(z.enum(['relu', 'leakyrelu', 'sigmoid']))
  .transform((name): ActivationName => (name === 'leakyrelu' ? 'leaky_relu' : name));

const squeezeExcite = {
  spatial_dims: spatialDims,
  in_channels: positive,
  r: z.number().positive().default(2),
};

const dropout = z.literal(0, { error: 'what is dropped is random: only cases without dropout can be compared' });

/** The modules that we have, by MONAI's names and arguments. */
const moduleArguments = {
  MaxAvgPool: z.strictObject({
    spatial_dims: spatialDims,
    kernel_size: perAxis,
    stride: perAxis.nullish(),
    padding: z.literal(0).default(0),
    ceil_mode: z.literal(false).default(false),
  }),
  ChannelSELayer: z.strictObject({
    ...squeezeExcite,
    acti_type_1: activation.default('relu'),
    acti_type_2: activation.default('sigmoid'),
  }),
  ResidualSELayer: z.strictObject({
    ...squeezeExcite,
    acti_type_1: activation.default('leaky_relu'),
    acti_type_2: activation.default('relu'),
  }),
  SimpleASPP: z.strictObject({
    spatial_dims: spatialDims,
    in_channels: positive,
    conv_out_channels: positive,
    kernel_sizes: z.array(perAxis).min(1).default([1, 3, 3, 3]),
    dilations: z.array(perAxis).min(1).default([1, 2, 4, 6]),
    norm_type: z
      .string()
      .regex(/^batch$/i)
      .optional(),
    acti_type: z
      .string()
      .regex(/^leakyrelu$/i)
      .optional(),
  }),
  CopleNet: z
    .strictObject({
      spatial_dims: spatialDims.default(2),
      in_channels: positive.default(1),
      out_channels: positive.default(2),
      feature_channels: z.array(positive).length(5).default([32, 64, 128, 256, 512]),
      dropout: z
        .array(dropout, { error: 'the default drops at random: only cases without dropout can be compared' })
        .length(5),
      bilinear: z.boolean().default(true),
    })
    .superRefine((args, context) => {
      const issues = modelSchema.safeParse({ name: 'coplenet', ...args }).error?.issues ?? [];
      for (const { path, message } of issues) context.addIssue({ code: 'custom', path, message });
    }),
} as const;

type ModuleName = keyof typeof moduleArguments;

const known = Object.keys(moduleArguments) as ModuleName[];

const variant = <Name extends ModuleName>(module: Name) =>
  z.object({ kind: z.literal('module'), module: z.literal(module), args: moduleArguments[module] });

export const moduleSchema = z.discriminatedUnion(
  'module',
  [
    variant('MaxAvgPool'),
    variant('ChannelSELayer'),
    variant('ResidualSELayer'),
    variant('SimpleASPP'),
    variant('CopleNet'),
  ],
  { error: `not a module that we have: those are ${known.join(', ')}` },
);

export type ModuleCase = z.infer<typeof moduleSchema>;

/** The network of a module, for inputs of so many channels. */
export const networkOf = (description: ModuleCase, inChannels: number): NetworkSpec => {
  const { module, args } = description;
  const block = { name: 'block', spatial_dims: args.spatial_dims, in_channels: inChannels } as const;
  switch (module) {
    case 'MaxAvgPool': {
      const { kernel_size: kernel, stride } = args;
      return { ...block, block: { kind: 'max_average_pool', kernel, ...(stride ? { stride } : {}) } };
    }
    case 'ChannelSELayer':
    case 'ResidualSELayer': {
      const { r: reduction, acti_type_1: hidden, acti_type_2: gate } = args;
      const residual = module === 'ResidualSELayer';
      return { ...block, block: { kind: 'squeeze_excite', reduction, hidden, gate, residual } };
    }
    case 'SimpleASPP': {
      const { conv_out_channels: branch_channels, kernel_sizes: kernels, dilations } = args;
      return { ...block, block: { kind: 'aspp', branch_channels, kernels, dilations } };
    }
    case 'CopleNet':
      return modelSchema.parse({ name: 'coplenet', ...args });
  }
};
