/** The peers of a run, by the names that they have on the control plane and that links are called by. */
export const workerName = (index: number): string => `worker ${index}`;
export const LOADER = 'loader';
/** Where predictions go: the coordinator. */
export const SINK = 'coordinator';
