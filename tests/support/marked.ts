import { readdirSync, readFileSync } from 'node:fs';
import type { ProcessEntry } from './processes.ts';

const MARK = 'LAMP_TEST_MARK';

/** Give it to a program, and `marked` finds that and whatever it starts, however they come loose from one another. */
export const markOf = (mark: string): Record<string, string> => ({ [MARK]: mark });

/** The processes that live with this mark (Linux: /proc). */
export function marked(mark: string): readonly ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const has = readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(`${MARK}=${mark}`);
        const title = has ? readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() : '';
        // One that has ended and waits to be reaped has no command line.
        return title === '' ? [] : [{ pid: Number(name), title }];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
}
