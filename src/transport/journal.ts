/** What a line says besides its message; where that costs something, it is made only if the line is written. */
export type JournalFields = Readonly<Record<string, unknown>> | (() => Readonly<Record<string, unknown>>);

/** Where a process writes down what it does. Never throws, and keeps no secret. */
export interface Journal {
  /** For whoever looks for a fault. */
  debug(message: string, fields?: JournalFields): void;
  info(message: string, fields?: JournalFields): void;
  error(message: string, fields?: JournalFields): void;
  /** The process is called otherwise from now on. */
  rename(process: string): void;
  /** Where a process writes that was not told when it started. */
  open(directory: string, level: string): void;
}

/** For whoever keeps none. */
export const noJournal: Journal = { debug() {}, info() {}, error() {}, rename() {}, open() {} };
