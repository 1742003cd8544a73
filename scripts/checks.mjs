import { installedBin } from './paths.mjs';
import { capture } from './programs.mjs';
import { step } from './step.mjs';

const CHECKS = [
  { name: 'types', what: 'tsc', program: 'tsc', args: ['--pretty'] },
  { name: 'lint', what: 'oxlint --type-aware', program: 'oxlint', args: ['--type-aware', '--deny-warnings'] },
  { name: 'format', what: 'oxfmt --check', program: 'oxfmt', args: ['--check'] },
  { name: 'exports', what: 'knip', program: 'knip', args: ['--no-progress'] },
];

/** Runs every static check and prints what the failing ones say; returns their names. */
export async function checks() {
  const results = await Promise.all(CHECKS.map(check));
  for (const { output, failed } of results) if (failed) process.stdout.write(`${output}\n`);
  return results.filter(({ failed }) => failed).map(({ name }) => name);
}

async function check({ name, what, program, args }) {
  const run = () => capture(installedBin(program), args);
  const { code, output } = await step(name, what, run, { fails: (result) => result.code !== 0 });
  return { name, output, failed: code !== 0 };
}
