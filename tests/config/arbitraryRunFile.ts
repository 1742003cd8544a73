import * as fc from 'fast-check';
import { runFileSchema, type RunFile } from '../../src/config/runFile.ts';

const positive = fc.integer({ min: 1, max: 1000 });
const rate = fc.double({ min: 1e-9, max: 10, noNaN: true });
const share = fc.double({ min: 0, max: 0.999, noNaN: true }).map((x) => x + 0);
const word = fc.string({ minLength: 1, unit: 'grapheme', maxLength: 12 });
const imageAndLabel = fc.record({ image: word, label: word });
const optional: { requiredKeys: [] } = { requiredKeys: [] };

const optimizer = fc.oneof(
  fc.record({ name: fc.constant('sgd'), lr: rate, momentum: share, weight_decay: rate }),
  fc.record({ name: fc.constant('rmsprop'), lr: rate, alpha: share }),
  fc.record({ name: fc.constantFrom('adam', 'adamw'), lr: rate, betas: fc.tuple(share, share) }),
);
const lrSchedule = fc.oneof(
  fc.record({ name: fc.constant('constant'), warmup_steps: positive }),
  fc.record({ name: fc.constant('step'), every: positive, gamma: rate }),
  fc.record({ name: fc.constant('polynomial'), power: rate }),
  fc.constant({ name: 'cosine' }),
);

const phase = fc.record(
  {
    data: fc.record({ foreground: share, augment: fc.record({ rotate: share, elastic: rate }, optional) }, optional),
    training: fc.record({ epochs: positive, batch_size: positive, accumulate: positive, clip_norm: rate }, optional),
    optimizer: fc.record({ lr: rate }, optional),
    lr_schedule: fc.constantFrom({ name: 'constant' }, { name: 'polynomial', power: 0.5 }),
    pipeline: fc.record({ recompute: fc.constantFrom('always', 'never') }, optional),
  },
  optional,
);

/** Run files that are right, in every form that the schema has. */
export const arbitraryRunFile: fc.Arbitrary<RunFile> = fc
  .record({
    name: fc.stringMatching(/^\w[\w.-]{0,10}$/),
    seed: fc.nat(),
    classes: fc.uniqueArray(word, { minLength: 2, maxLength: 5 }),
    dims: fc.constantFrom(2, 3),
    depth: fc.integer({ min: 1, max: 5 }),
    multiples: fc.option(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 3, maxLength: 3 }), { nil: undefined }),
    train: fc.array(imageAndLabel, { minLength: 1, maxLength: 3 }),
    validation: fc.array(imageAndLabel, { minLength: 1, maxLength: 2 }),
    deformation: fc.option(fc.record({ rotate: share, elastic: rate }, optional), { nil: undefined }),
    augment: fc.record({ rotate: share, scale: share, noise: rate }, optional),
    optimizer,
    lrSchedule,
    loss: fc.constantFrom('lamp', 'cross_entropy', 'noise_robust_dice'),
    batch: positive,
    clip: fc.option(rate, { nil: undefined }),
    workers: fc.oneof(positive, fc.constant('auto')),
    recompute: fc.constantFrom('always', 'except_last', 'never'),
    schedule: fc.constantFrom('gpipe', '1f1b', 'interleaved_1f1b', 'v_1f1b', 'zb_h1', 'zb_v', 'my.schedule'),
  })
  .map(({ classes, dims, depth, multiples, batch, ...draw }) =>
    runFileSchema.parse({
      name: draw.name,
      seed: draw.seed,
      model: { name: 'unetpipe', spatial_dims: dims, out_channels: classes.length, depth },
      data: {
        train: draw.train,
        validation: draw.validation,
        classes,
        patch_size: multiples ? multiples.slice(0, dims).map((n) => n * 2 ** (depth + 1)) : 'whole',
        augment: draw.augment,
        ...(draw.deformation ? { validation_deformation: draw.deformation } : {}),
      },
      loss: { name: draw.loss, class_weights: classes.map((_, i) => i + 1) },
      optimizer: draw.optimizer,
      lr_schedule: draw.lrSchedule,
      training: { epochs: 3, batch_size: batch, ...(draw.clip ? { clip_norm: draw.clip } : {}) },
      pipeline: { workers: draw.workers, recompute: draw.recompute, schedule: draw.schedule },
    }),
  );

/** The same with one phase or more. */
export const arbitraryCurriculum: fc.Arbitrary<RunFile> = fc
  .tuple(arbitraryRunFile, fc.array(phase, { minLength: 1, maxLength: 3 }))
  .map(([run, phases]) => {
    const { micro_batches: _, ...pipeline } = run.pipeline;
    return runFileSchema.parse({ ...run, pipeline, phases });
  });
