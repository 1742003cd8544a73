import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogEntry } from './entry.ts';
import { LogReader } from './logReader.ts';
import { mergeByTime } from './merge.ts';

const POLL_MILLISECONDS = 250;

/** Everything that the logs of a folder hold, in the order of time. */
export async function* readLogs(directory: string): AsyncGenerator<LogEntry> {
  const readers = new Map<string, LogReader>();
  try {
    await addReaders(directory, readers);
    yield* mergeByTime([...readers.values()].map(toItsEnd));
  } finally {
    await closeAll(readers);
  }
}

/** The same, and then whatever is added, until the signal aborts. */
export async function* followLogs(directory: string, signal: AbortSignal): AsyncGenerator<LogEntry> {
  const readers = new Map<string, LogReader>();
  try {
    while (!signal.aborted) {
      await addReaders(directory, readers);
      yield* mergeByTime([...readers.values()].map((reader) => reader.entries()));
      await sleep(POLL_MILLISECONDS, undefined, { signal }).catch(() => {});
    }
  } finally {
    await closeAll(readers);
  }
}

async function* toItsEnd(reader: LogReader): AsyncGenerator<LogEntry> {
  yield* reader.entries();
  yield* reader.half();
}

/** Processes may have begun a log since. */
async function addReaders(directory: string, readers: Map<string, LogReader>): Promise<void> {
  for (const name of (await readdir(directory)).toSorted())
    if (name.endsWith('.jsonl') && !readers.has(name)) readers.set(name, new LogReader(join(directory, name)));
}

async function closeAll(readers: ReadonlyMap<string, LogReader>): Promise<void> {
  await Promise.all([...readers.values()].map((reader) => reader.close()));
}
