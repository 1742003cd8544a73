import { isLogLevel } from './level.ts';
import { noLog, openLog, type Log } from './log.ts';

/**
 * The log of a process that another one started, as its environment says; none where that says nothing. What the process dies of
 * is in it, too.
 */
export function childLog(name: string, environment: NodeJS.ProcessEnv = process.env): Log {
  const { LAMP_LOG_DIR: directory, LAMP_LOG_LEVEL: level } = environment;
  if (directory === undefined || directory === '') return noLog;
  const log = openLog({ directory, process: name, level: isLogLevel(level) ? level : 'info' });
  process.once('uncaughtExceptionMonitor', (error) => log.error('died of an error that nobody caught', { error }));
  return log;
}
