/** Something that happened in a training run and that a person or a program may want to know. */
export type TrainEvent =
  | {
      kind: 'launched';
      workers: readonly LaunchedWorker[];
      /** Trainable numbers of the whole network. */
      parameters: number;
      stepsPerEpoch: number;
      steps: number;
    }
  | {
      kind: 'step';
      /** Steps done, this one included: 1 is the first. */
      step: number;
      /** 1 is the first. */
      epoch: number;
      steps: number;
      loss: number;
      learningRate: number;
      /** How long this step took. */
      seconds: number;
      /** Samples of this step. */
      samples: number;
      gradientNorm?: number;
    }
  | {
      kind: 'validated';
      epoch: number;
      step: number;
      /** Mean over the classes that are there, without the background. */
      meanDice: number;
      /** How many values that mean is over. */
      counted: number;
      /** By class; NaN where the truth has none of it. */
      dice: Readonly<Record<string, number>>;
      seconds: number;
      /** The best so far. */
      best: boolean;
    }
  | { kind: 'saved'; path: string; what: 'weights' | 'segmentation' | 'picture' | 'metrics' | 'run' | 'trace' }
  | { kind: 'note'; text: string };

export interface LaunchedWorker {
  readonly worker: number;
  readonly pid: number;
  /** Its stages, in order, each from one cell to another. */
  readonly stages: readonly { readonly stage: number; readonly cells: readonly [first: string, last: string] }[];
  /** Of the whole cost, 0 to 1. */
  readonly share: number;
  readonly device: string;
}
