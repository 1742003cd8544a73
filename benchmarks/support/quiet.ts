import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

const LOOK_MILLISECONDS = 2000;

/** Processor time of the whole machine so far, in ticks; of Linux. */
function ticks(): { busy: number; all: number } | undefined {
  try {
    const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
    const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, ...rest] = line.split(/\s+/).slice(1).map(Number);
    const busy = user + nice + system + rest.reduce((sum, value) => sum + value, 0);
    return { busy, all: busy + idle + wait };
  } catch {
    return undefined;
  }
}

/**
 * Waits until the machine has nothing else to do, at most so many seconds, while this program does nothing itself. Returns the part
 * of the machine that others took when it last looked: 0 to 1, or undefined where that cannot be known.
 */
export async function untilQuiet(seconds: number, share = 0.1): Promise<number | undefined> {
  const end = performance.now() + 1000 * seconds;
  for (;;) {
    const before = ticks();
    await setTimeout(LOOK_MILLISECONDS);
    const after = ticks();
    if (!before || !after) return undefined;
    const taken = (after.busy - before.busy) / Math.max(1, after.all - before.all);
    if (taken <= share || performance.now() > end) return taken;
  }
}
