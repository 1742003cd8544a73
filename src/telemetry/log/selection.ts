import type { LogEntry } from './entry.ts';
import { reaches, type LogLevel } from './level.ts';
import { logFileName } from './log.ts';

/** From where on a log is shown: from the first line of a step, or from a time in milliseconds since 1970. */
export type Since = { readonly step: number } | { readonly time: number };

export interface Selection {
  readonly level?: LogLevel | undefined;
  /** `worker 0` or `worker-0`; none: all. */
  readonly processes?: readonly string[] | undefined;
  readonly since?: Since | undefined;
}

/** Says of one line after the other whether it is wanted. What is damaged is, whatever its level would be. */
export function selector({ level = 'debug', processes = [], since }: Selection): (entry: LogEntry) => boolean {
  const wanted = new Set(processes.map(logFileName));
  const begun = beginning(since);
  return (entry) =>
    begun(entry) &&
    (wanted.size === 0 || wanted.has(logFileName(entry.process))) &&
    (entry.kind === 'damaged' || reaches(entry.level, level));
}

/** A step begins for all processes where the first one speaks of it. */
function beginning(since: Since | undefined): (entry: LogEntry) => boolean {
  if (!since) return () => true;
  if ('time' in since) return (entry) => entry.time >= since.time;
  let begun = false;
  return (entry) => {
    if (!begun && entry.kind === 'line') {
      const { step } = entry.fields;
      begun = typeof step === 'number' && step >= since.step;
    }
    return begun;
  };
}

const UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3 };

/** `120` (a step), `10m` (ago), or a time such as `2026-11-24T09:30` (local, or with a zone); undefined for what is none. */
export function parseSince(text: string, now: number): Since | undefined {
  if (/^\d+$/.test(text)) return { step: Number(text) };
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (unit !== undefined) return { time: now - Number(amount) * UNITS[unit]! };
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? new Date(text).getTime() : NaN;
  return Number.isNaN(time) ? undefined : { time };
}
