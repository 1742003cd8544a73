import type * as coordinator from '../coordinator/index.ts';
import type * as bench from '../coordinator/bench/index.ts';
import type * as parity from '../coordinator/parity/index.ts';

/** What the commands have done for them. */
export interface Services {
  readonly train: typeof coordinator.train;
  readonly predict: typeof coordinator.predict;
  readonly runParity: typeof parity.runParity;
  readonly bench: typeof bench.bench;
  readonly profileRun: typeof coordinator.profileRun;
  readonly planFor: typeof coordinator.planFor;
  readonly exportRun: typeof coordinator.exportRun;
  readonly serveHost: typeof coordinator.serveHost;
}

export type TrainOptions = Parameters<Services['train']>[0];
export type TrainResult = Awaited<ReturnType<Services['train']>>;
export type PredictedFile = PredictResult['files'][number];
export type PredictResult = Awaited<ReturnType<Services['predict']>>;
export type ParityResult = Awaited<ReturnType<Services['runParity']>>[number];

export type MeasuredRun = Awaited<ReturnType<Services['profileRun']>>[number];
export type ExportResult = Awaited<ReturnType<Services['exportRun']>>;
export type RunPlan = Awaited<ReturnType<Services['planFor']>>;

export type BenchResult = Awaited<ReturnType<Services['bench']>>;
export type BenchFigures = BenchResult['figures'][number];
export type AgentEvent = Parameters<Parameters<Services['serveHost']>[0]['report']>[0];
export type BenchEvent = bench.BenchEvent;

/** Loaded when they are needed: help, usage errors and wrong run files are told without a native module. */
export const services: Services = {
  train: async (options) => (await import('../coordinator/index.ts')).train(options),
  predict: async (options) => (await import('../coordinator/index.ts')).predict(options),
  runParity: async (files, options, report) =>
    (await import('../coordinator/parity/index.ts')).runParity(files, options, report),
  profileRun: async (options) => (await import('../coordinator/index.ts')).profileRun(options),
  planFor: async (options) => (await import('../coordinator/index.ts')).planFor(options),
  exportRun: async (options) => (await import('../coordinator/index.ts')).exportRun(options),
  serveHost: async (options) => (await import('../coordinator/index.ts')).serveHost(options),
  bench: async (options) => (await import('../coordinator/bench/index.ts')).bench(options),
};
