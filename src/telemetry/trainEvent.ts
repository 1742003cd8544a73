/** Something that happened in a training run and that a person or a program may want to know. */
export type TrainEvent =
  | {
      kind: 'launched';
      phase?: PhaseName;
      workers: readonly LaunchedWorker[];
      /** Trainable numbers of the whole network. */
      parameters: number;
      stepsPerEpoch: number;
      /** Steps and epochs that were done in the phases before. */
      done?: { readonly steps: number; readonly epochs: number };
      /** The last step of the phase; steps count on from phase to phase. */
      steps: number;
    }
  | {
      kind: 'step';
      phase?: string;
      /** Steps done, this one included: 1 is the first. */
      step: number;
      /** 1 is the first. */
      epoch: number;
      /** The last step of the phase. */
      steps: number;
      /** Updates of the parameters so far, where several mini-batches make one. */
      updates?: number;
      loss: number;
      learningRate: number;
      /** How long this step took. */
      seconds: number;
      /** Samples of this step. */
      samples: number;
      /** The share of the time for which the first stage waited for images, 0 to 1. */
      loading?: number;
      gradientNorm?: number;
    }
  | {
      kind: 'validated';
      phase?: string;
      epoch: number;
      step: number;
      /** Mean over the classes that are there, without the background. */
      meanDice: number;
      /** How many values that mean is over. */
      counted: number;
      /** By class; NaN where the truth has none of it. */
      dice: Readonly<Record<string, number>>;
      seconds: number;
      /** The best so far of the phase. */
      best: boolean;
      /** The structures of which this is the best so far. */
      bestOf?: readonly string[];
    }
  | ({ kind: 'finished' } & PhaseSummary)
  | {
      kind: 'saved';
      path: string;
      what: 'weights' | 'segmentation' | 'picture' | 'metrics' | 'run' | 'trace' | 'checkpoint';
    }
  | {
      /** A mini-batch was left out, with those gathered for the same update, as its loss or gradients are NaN or infinite. */
      kind: 'not finite';
      phase?: string;
      step: number;
      what: 'loss' | 'norm of the gradients';
      /** Where it first came up, in words. */
      place?: string;
      /** The learning rate from now on, where it was lowered. */
      rate?: number;
    }
  | {
      /** Something came from outside that no process of the run would send, or in another form: it was refused. */
      kind: 'refused';
      phase?: string;
      /** The step at whose end it was known. */
      step: number;
      /** `coordinator`, `worker 1`. */
      process: string;
      /** How often, by reason. */
      reasons: Readonly<Record<string, number>>;
    }
  | {
      /** A process of the run was lost, or a message. */
      kind: 'failed';
      /** `worker 1`, `loader`. */
      peer: string;
      problem: string;
      /** What is tried now: 1 is the first time. */
      restart: number;
      of: number;
      /** The file with what was running. */
      report?: string;
    }
  | {
      /** The run goes on after a failure, or with further workers: what came after this step is done again. */
      kind: 'recovered';
      phase?: string;
      step: number;
      from: 'memory' | 'disk' | 'beginning';
      /** For how long nothing was trained. */
      seconds: number;
      workers: readonly LaunchedWorker[];
    }
  /** The run goes on from a checkpoint. */
  | { kind: 'resumed'; step: number; epoch: number; checkpoint: string; phase?: string }
  | { kind: 'note'; text: string };

/** A phase among those of a run. */
export interface PhaseName {
  readonly name: string;
  /** 1 is the first. */
  readonly number: number;
  readonly of: number;
}

/** What became of a phase, or of a run without phases. */
export interface PhaseSummary {
  readonly phase?: string;
  readonly steps: number;
  readonly updates: number;
  readonly epochs: number;
  /** Of its steps alone, without validation. */
  readonly seconds: number;
  /** Whether validation did not become better for as long as the run file allows. */
  readonly stoppedEarly: boolean;
  /** The best validation, and after which epoch; absent where nothing was validated. */
  readonly best?: { readonly meanDice: number; readonly epoch: number };
  /** The best Dice of each structure, and after which epoch. */
  readonly structures: Readonly<Record<string, { readonly dice: number; readonly epoch: number }>>;
}

export interface LaunchedWorker {
  readonly worker: number;
  /** Where there are several; each has all stages. */
  readonly replica?: number;
  readonly pid: number;
  /** Its stages, in order, each from one cell to another. */
  readonly stages: readonly { readonly stage: number; readonly cells: readonly [first: string, last: string] }[];
  /** Of the whole cost, 0 to 1. */
  readonly share: number;
  readonly device: string;
}
