import { isLogLevel, type LogLevel } from './level.ts';
import { noLog, openLog, type Log } from './log.ts';

/** What tells a process where to write its log. */
export const logEnvironment = (directory: string, level: LogLevel): Record<string, string> => ({
  LAMP_LOG_DIR: directory,
  LAMP_LOG_LEVEL: level,
});

/** The log of a process that another one started, as its environment says; none where that says nothing. */
export function logFromEnvironment(name: string, environment: NodeJS.ProcessEnv = process.env): Log {
  const { LAMP_LOG_DIR: directory, LAMP_LOG_LEVEL: level } = environment;
  if (directory === undefined || directory === '') return noLog;
  return openLog({ directory, process: name, level: isLogLevel(level) ? level : 'info' });
}
