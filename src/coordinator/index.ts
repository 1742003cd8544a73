export { predict, type PredictOptions, type PredictResult } from './predict.ts';
export { train, type TrainOptions, type TrainResult } from './train.ts';
export { Pipeline } from './pipeline.ts';
export { profileRun } from './profileRun.ts';
export { planFor } from './planFor.ts';
export { exportRun } from './exportRun.ts';
export { serveHost } from './agent/agent.ts';
