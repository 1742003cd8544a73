import type { TrainEvent } from '../../src/telemetry/trainEvent.ts';

/** A run of two epochs of two steps, validated after each epoch. */
export const launched: TrainEvent = {
  kind: 'launched',
  workers: [
    {
      worker: 0,
      pid: 4001,
      stages: [{ stage: 0, cells: ['encoder.0', 'encoder.2'] }],
      share: 0.52,
      device: 'CPU, 1 thread',
    },
    {
      worker: 1,
      pid: 4002,
      stages: [{ stage: 1, cells: ['decoder.0', 'head'] }],
      share: 0.48,
      device: 'CPU, 1 thread',
    },
  ],
  parameters: 22906650,
  stepsPerEpoch: 2,
  steps: 4,
};

export const stepEvent = (step: number): TrainEvent => ({
  kind: 'step',
  step,
  epoch: Math.ceil(step / 2),
  steps: 4,
  loss: 1 / step,
  learningRate: 1e-3,
  seconds: 2,
  samples: 4,
});

export const validated = (epoch: number): TrainEvent => ({
  kind: 'validated',
  epoch,
  step: 2 * epoch,
  meanDice: 0.3 * epoch,
  counted: 1,
  dice: { left: 0.3 * epoch, right: Number.NaN },
  seconds: 1,
  best: true,
});

export const run: readonly TrainEvent[] = [
  launched,
  stepEvent(1),
  stepEvent(2),
  validated(1),
  stepEvent(3),
  stepEvent(4),
  validated(2),
];
