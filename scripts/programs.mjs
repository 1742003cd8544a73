import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { installedBin, ROOT } from './paths.mjs';

// Children run on the Node that runs this, whatever `node` on the PATH is.
const environment = () => ({
  ...process.env,
  PATH: [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
});

/** Runs a program in the checkout with our own terminal; returns its exit code. */
export function run(program, args, { env = {} } = {}) {
  return started(spawn(program, args, { cwd: ROOT, stdio: 'inherit', env: { ...environment(), ...env } }), program);
}

/** Runs a program in the checkout and keeps what it prints. */
export async function capture(program, args) {
  const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env: environment() });
  const chunks = [];
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  child.stderr.on('data', (chunk) => chunks.push(chunk));
  const code = await started(child, program);
  return { code, output: Buffer.concat(chunks).toString('utf8') };
}

export const lamp = (args) => run(process.execPath, [join(ROOT, 'bin', 'lamp.mjs'), ...args]);
export const vitest = (args) => run(installedBin('vitest'), ['run', ...args]);

// Ctrl-C reaches the child too, through the terminal: we wait for it to end and answer as it does. A signal to us
// alone is passed on.
function started(child, program) {
  return new Promise((resolve, reject) => {
    const ignore = () => {};
    const forward = (signal) => child.kill(signal);
    process.on('SIGINT', ignore);
    process.on('SIGTERM', forward);
    const settle = () => {
      process.off('SIGINT', ignore);
      process.off('SIGTERM', forward);
    };
    child.once('error', (error) => {
      settle();
      reject(new Error(`${program} could not be started: ${error.message}`, { cause: error }));
    });
    child.once('close', (code, signal) => {
      settle();
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}
