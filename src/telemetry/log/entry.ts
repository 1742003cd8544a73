import { isLogLevel, type LogLevel } from './level.ts';

/** A line of a log as it was read back. */
export type LogEntry =
  | {
      readonly kind: 'line';
      /** Milliseconds since 1970. */
      readonly time: number;
      readonly level: LogLevel;
      readonly process: string;
      readonly host: string;
      readonly pid: number;
      readonly message: string;
      /** What else stands in it. */
      readonly fields: Readonly<Record<string, unknown>>;
      readonly text: string;
    }
  /** What is no line of a log, or only a part of one: its writer was killed, or the disk was full. */
  | {
      readonly kind: 'damaged';
      /** Of the line before it. */
      readonly time: number;
      readonly process: string;
      readonly text: string;
    };

/** Reads a line. What cannot be read is kept as it is; `before` says where it stands. */
export function parseLine(text: string, before: Pick<LogEntry, 'time' | 'process'>): LogEntry {
  const { level, time: written, process, pid, host, msg, ...fields } = parsedObject(text);
  const time = typeof written === 'string' || typeof written === 'number' ? new Date(written).getTime() : NaN;
  if (!isLogLevel(level) || Number.isNaN(time) || typeof process !== 'string')
    return { kind: 'damaged', time: before.time, process: before.process, text };
  return {
    ...{ kind: 'line', time, level, process, text, fields },
    ...{ pid: Number(pid), host: String(host), message: typeof msg === 'string' ? msg : '' },
  };
}

function parsedObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
