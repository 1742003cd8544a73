import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { isLogLevel } from './level.ts';
import { noLog, openLog, type Log } from './log.ts';

/**
 * The log of a process that another one started, as its environment says, or, on another host, as it is told later. What the
 * process dies of is in it, too.
 */
export function childLog(name: string, environment: NodeJS.ProcessEnv = process.env): Log {
  const { LAMP_LOG_DIR: directory = '', LAMP_LOG_LEVEL: level = '' } = environment;
  const log = directory === '' ? laterLog(name) : logAt(directory, name, level);
  process.once('uncaughtExceptionMonitor', (error) => log.error('died of an error that nobody caught', { error }));
  return log;
}

const logAt = (directory: string, name: string, level: string): Log =>
  openLog({ directory, process: name, level: isLogLevel(level) ? level : 'info' });

/** None until it is opened. */
function laterLog(name: string): Log {
  let [log, called] = [noLog, name];
  return {
    environment: {},
    debug: (message, fields) => log.debug(message, fields),
    info: (message, fields) => log.info(message, fields),
    warn: (message, fields) => log.warn(message, fields),
    error: (message, fields) => log.error(message, fields),
    rename(process) {
      called = process;
      log.rename(process);
    },
    open(directory, level) {
      // A run's folder that is not there is on a disk that this host does not see.
      if (log === noLog && existsSync(dirname(directory))) log = logAt(directory, called, level);
    },
    close: () => log.close(),
  };
}
