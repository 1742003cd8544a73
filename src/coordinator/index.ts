export { runParity } from './parity/index.ts';
