type Coordinator = typeof import('../coordinator/index.ts');
type Parity = typeof import('../coordinator/parity/index.ts');

/** What the commands have done for them. */
export interface Services {
  readonly train: Coordinator['train'];
  readonly predict: Coordinator['predict'];
  readonly runParity: Parity['runParity'];
}

export type TrainResult = Awaited<ReturnType<Services['train']>>;
export type PredictResult = Awaited<ReturnType<Services['predict']>>;
export type ParityResult = Awaited<ReturnType<Services['runParity']>>[number];

/** Loaded when they are needed: help, usage errors and wrong run files are told without a native module. */
export const services: Services = {
  train: async (options) => (await import('../coordinator/index.ts')).train(options),
  predict: async (options) => (await import('../coordinator/index.ts')).predict(options),
  runParity: async (files, options, report) =>
    (await import('../coordinator/parity/index.ts')).runParity(files, options, report),
};
