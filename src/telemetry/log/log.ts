import { hostname } from 'node:os';
import { join } from 'node:path';
import { pino, stdTimeFunctions, type Logger } from 'pino';
import type { Journal, JournalFields } from '../../transport/journal.ts';
import { loggable, type Fields } from './fields.ts';
import type { LogLevel } from './level.ts';
import { LogFile } from './logFile.ts';

/** What a process writes down of what it does: a message, and what a program may want to read of it. Never throws. */
export interface Log extends Journal {
  /** For processes that are to write their logs beside this one. */
  readonly environment: Readonly<Record<string, string>>;
  warn(message: string, fields?: JournalFields): void;
  close(): void;
}

export interface LogOptions {
  readonly directory: string;
  /** `coordinator`, `worker 0`, `loader`. */
  readonly process: string;
  readonly level?: LogLevel | undefined;
  /** Bytes of the file, after which it is set aside for a new one. */
  readonly limit?: number | undefined;
  /** Takes every line that is written, too. */
  readonly echo?: ((line: string) => void) | undefined;
  /** Where it is said, once, that the log cannot be written any more. */
  readonly complain?: ((text: string) => void) | undefined;
}

/** `worker 0` → `worker-0.jsonl`. */
export const logFileName = (process: string): string => `${process.replaceAll(/[^\w.]+/g, '-')}.jsonl`;

/**
 * Opens the log of a process, a JSON object a line at the end of `<directory>/<process>.jsonl`:
 *
 *     {"level":"info","time":"2026-11-24T00:09:31.120Z","process":"worker 0","pid":71,"host":"gpu3","step":12,"msg":"…"}
 */
export function openLog(options: LogOptions): Log {
  const { directory, level = 'info' } = options;
  let { file, logger } = opened(options, options.process);
  const at =
    (of: LogLevel) =>
    (message: string, fields: JournalFields = {}): void => {
      if (!logger.isLevelEnabled(of)) return;
      try {
        logger[of](apart(typeof fields === 'function' ? fields() : fields), message);
      } catch (error) {
        logger.warn({ lost: message, because: String(error) }, 'a line could not be written');
      }
    };
  return {
    environment: { LAMP_LOG_DIR: directory, LAMP_LOG_LEVEL: level },
    ...{ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    rename(process) {
      file.close();
      ({ file, logger } = opened(options, process));
    },
    // It is open.
    open() {},
    close: () => file.close(),
  };
}

/** For whoever writes no log. */
export const noLog: Log = {
  environment: {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  rename() {},
  open() {},
  close() {},
};

function opened(
  { directory, level = 'info', limit, echo, complain = complainOnStderr }: LogOptions,
  name: string,
): { file: LogFile; logger: Logger } {
  const onLost = (path: string, error: unknown): void =>
    complain(
      `lamp: ${name} writes no log any more: ${error instanceof Error ? error.message : String(error)} (${path})\n`,
    );
  const file = new LogFile(join(directory, logFileName(name)), { limit, onLost });
  const write = (line: string): void => {
    file.write(line);
    echo?.(line);
  };
  const logger = pino(
    {
      level,
      base: { process: name, pid: process.pid, host: hostname() },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: loggable },
      // Errors have become plain already.
      serializers: {},
    },
    { write },
  );
  return { file, logger };
}

const OWN = new Set(['level', 'time', 'process', 'pid', 'host', 'msg']);

/** Fields whose names every line has already get another: `pid` → `pid_`. */
const apart = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [OWN.has(name) ? `${name}_` : name, value]));

function complainOnStderr(text: string): void {
  process.stderr.write(text);
}
