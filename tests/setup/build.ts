import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { lock } from 'proper-lockfile';

/** What `tsc` says with its exit status where it found errors but wrote every file all the same. */
const ERRORS_BUT_WRITTEN = 2;

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Builds `dist/` once before the tests: those that start processes of their own start the built files, because Node 20 does
 * not read TypeScript. Type errors are for the type check to report; tests run on whatever could be written.
 */
export const setup = async (): Promise<void> => {
  mkdirSync(`${root}/dist`, { recursive: true });
  const release = await lock(`${root}/dist`, { retries: { retries: 240, factor: 1, minTimeout: 500 }, stale: 120_000 });
  try {
    const compiler = `${root}/node_modules/typescript/bin/tsc`;
    const arguments_ = [compiler, '-p', 'tsconfig.build.json', '--pretty', 'false'];
    const { status, stdout, stderr, error } = spawnSync(process.execPath, arguments_, { cwd: root, encoding: 'utf8' });
    if (status !== 0 && status !== ERRORS_BUT_WRITTEN)
      throw new Error(`dist/ could not be built: ${error?.message ?? `${stdout}${stderr}`}`);
    const errors = stdout.split('\n').filter((line) => line.includes('error TS'));
    if (errors.length > 0) console.warn(`dist/ was built with ${errors.length} type errors, the first: ${errors[0]}`);
  } finally {
    await release();
  }
};
