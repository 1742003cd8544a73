import { performance } from 'node:perf_hooks';

const quiet = process.env.LAMP_QUIET === '1';
const say = (text) => {
  if (!quiet) process.stdout.write(text);
};

/**
 * Runs one step of the set-up and prints what it does and how long it took. `live` steps print for themselves, so
 * their name comes first, on a line of its own.
 */
export async function step(name, what, body, { live = false, fails = () => false } = {}) {
  const label = `${name.padEnd(9)} ${what}`;
  if (live) say(`▸ ${label}\n`);
  const start = performance.now();
  let failed = true;
  try {
    const result = await body();
    failed = fails(result);
    return result;
  } finally {
    const time = duration(performance.now() - start);
    say(
      live
        ? `${failed ? '✗' : '✓'} ${name} ${failed ? 'failed' : 'done'} (${time})\n`
        : `${failed ? '✗' : '✓'} ${label} (${time})\n`,
    );
  }
}

/** Milliseconds as a person reads them. */
export function duration(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
