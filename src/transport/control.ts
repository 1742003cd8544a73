/* The control plane: small typed messages between the coordinator's ROUTER and each worker's DEALER. */
export { ControlClient } from './controlClient.ts';
export { ControlServer } from './controlServer.ts';
