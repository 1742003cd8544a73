/** How much a line of a log matters, the least first. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export const isLogLevel = (text: unknown): text is LogLevel => logLevels.some((level) => level === text);

/** Whether a line of this level is wanted where lines from `least` on are. */
export const reaches = (level: LogLevel, least: LogLevel): boolean =>
  logLevels.indexOf(level) >= logLevels.indexOf(least);
