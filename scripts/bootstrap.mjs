import { build } from './build.mjs';
import { checks } from './checks.mjs';
import { engine } from './engine.mjs';
import { withLock } from './lock.mjs';
import { packages } from './packages.mjs';
import { lamp, vitest } from './programs.mjs';
import { step } from './step.mjs';

const COMMANDS = {
  setup: (args) => lamp(['setup', ...args]),
  build: () => 0,
  demo: (args) => lamp(['train', 'examples/brain9/run.yaml', ...args]),
  test: testEverything,
};

/**
 * Makes the checkout ready (packages, build, engine), each only where something is missing or has changed, then runs
 * the command; returns its exit code.
 */
export async function bootstrap(command, args) {
  const run = COMMANDS[command];
  if (run === undefined) {
    throw new Error(`'${command}' is no command; there are: ${Object.keys(COMMANDS).join(', ')}.`);
  }
  await withLock(async () => {
    await packages();
    await build();
  });
  // `setup` asks for the engine itself, with its own options, and tries again what failed before.
  if (command !== 'setup' && command !== 'build') await engine();
  return run(args);
}

/** Types, lint, format and dead exports side by side, then the tests; all of them run, so that one run tells all. */
async function testEverything(args) {
  const failed = await checks();
  const code = await step('tests', 'vitest', () => vitest(args), { live: true, fails: (exit) => exit !== 0 });
  if (failed.length > 0) process.stderr.write(`\n✗ failed before the tests: ${failed.join(', ')}\n`);
  return code !== 0 ? code : failed.length > 0 ? 1 : 0;
}
