/*
 * The data plane: one PUSH → PULL link for each ordered pair of peers that have something to send. The receiver listens, on a
 * port that the system chooses, and the sender connects.
 */
export { DataInlet } from './dataInlet.ts';
export { DataOutlet } from './dataOutlet.ts';
