export { expandData } from './expand.ts';
export { readDataSet } from './read.ts';
