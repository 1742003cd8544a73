import { readFileSync } from 'node:fs';
import { findExecutable } from '../engine/install/executables.ts';

/** The cores that this process may run on, as Linux numbers them; undefined on other systems. */
export function allowedCores(): readonly number[] | undefined {
  try {
    const [, list] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return list === undefined ? undefined : parseCores(list);
  } catch {
    return undefined;
  }
}

/** `0-2,5` → 0, 1, 2, 5 */
export const parseCores = (list: string): number[] =>
  list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });

/**
 * The cores of each of several processes that fill the machine between them: as many as it has threads, in order. Undefined
 * where they do not fill it, for then the system knows better, and for one alone.
 *
 * Left to itself the scheduler now and then puts two workers on one core for some steps, as ZeroMQ's threads wake up beside
 * them: a step of 0.95 s takes 1.1.
 */
export function shareCores(
  allowed: readonly number[] | undefined,
  threads: readonly number[],
): (readonly number[])[] | undefined {
  const wanted = threads.reduce((sum, each) => sum + each, 0);
  if (!allowed || threads.length < 2 || wanted !== allowed.length) return undefined;
  let next = 0;
  return threads.map((count) => allowed.slice(next, (next += count)));
}

/** A command that runs on these cores alone, where the system has the program for that. */
export function onCores(cores: readonly number[] | undefined, command: readonly string[]): readonly string[] {
  const taskset = cores && findExecutable('taskset', process.env);
  return taskset === undefined ? command : [taskset, '-c', cores!.join(','), ...command];
}
