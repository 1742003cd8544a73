import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogEntry } from '../../../src/telemetry/log/entry.ts';
import { mergeByTime } from '../../../src/telemetry/log/merge.ts';
import { followLogs, readLogs } from '../../../src/telemetry/log/runLogs.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const root = temporaryFolder();
let folders = 0;
function folder(files: Readonly<Record<string, string>>): string {
  const path = join(root, String(folders++));
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

const line = (process: string, time: number, message: string): string =>
  `${JSON.stringify({ level: 'info', time: new Date(time).toISOString(), process, pid: 1, host: 'a', msg: message })}\n`;
const shown = (entry: LogEntry): string => (entry.kind === 'line' ? entry.message : `damaged ${entry.text}`);

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of stream) found.push(each);
  return found;
}
const messagesOf = async (directory: string): Promise<string[]> => (await all(readLogs(directory))).map(shown);

async function* streamOf<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

describe('merging', () => {
  it('gives every element once, in the order of time, each stream in its own order', async () => {
    const streams = fc.array(
      fc.array(fc.nat(20)).map((times) => times.toSorted((a, b) => a - b)),
      { maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(streams, async (timesOf) => {
        const values = timesOf.map((times, stream) => times.map((time, place) => ({ time, stream, place })));
        const merged = await all(mergeByTime(values.map(streamOf)));
        const sorted = values.flat().toSorted((a, b) => a.time - b.time || a.stream - b.stream || a.place - b.place);
        expect(merged).toEqual(sorted);
      }),
    );
  });

  it('keeps the order of a stream whose clock went back', async () => {
    const merged = await all(mergeByTime([[5, 1, 6], [2]].map((times) => streamOf(times.map((time) => ({ time }))))));
    expect(merged.map(({ time }) => time)).toEqual([2, 5, 1, 6]);
  });

  it('closes its streams where nobody reads on', async () => {
    let closed = 0;
    const endless = async function* (): AsyncGenerator<{ time: number }> {
      try {
        for (let time = 0; ; time++) yield { time };
      } finally {
        closed++;
      }
    };
    for await (const { time } of mergeByTime([endless(), endless()])) if (time === 3) break;
    expect(closed).toBe(2);
  });
});

describe('the logs of a run', () => {
  it('are told as one, in the order of time', async () => {
    const directory = folder({
      'coordinator.jsonl': line('coordinator', 1, 'a') + line('coordinator', 5, 'e'),
      'worker-0.jsonl': line('worker 0', 2, 'b') + line('worker 0', 4, 'd'),
      'loader.jsonl': line('loader', 3, 'c'),
      'notes.txt': 'nothing of ours',
    });
    expect(await messagesOf(directory)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('begin with what was set aside', async () => {
    const directory = folder({
      'worker-0.jsonl.1': line('worker 0', 1, 'a'),
      'loader.jsonl': line('loader', 2, 'b'),
      'worker-0.jsonl': line('worker 0', 3, 'c'),
    });
    expect(await messagesOf(directory)).toEqual(['a', 'b', 'c']);
  });

  it('show what is damaged where it stands, and end with a line that was half written', async () => {
    const directory = folder({
      'coordinator.jsonl': line('coordinator', 3, 'c'),
      'worker-0.jsonl': `${line('worker 0', 1, 'a')}\0\u001b[2J\n[1]\n${line('worker 0', 2, 'b')}{"level":"in`,
    });
    const half = 'damaged {"level":"in';
    expect(await messagesOf(directory)).toEqual(['a', 'damaged \0\u001b[2J', 'damaged [1]', 'b', half, 'c']);
  });

  it('are read whatever bytes they hold', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const directory = folder({ 'worker-0.jsonl': '' });
        writeFileSync(join(directory, 'worker-0.jsonl'), bytes);
        for (const entry of await all(readLogs(directory))) expect(entry.process).toBe('worker-0');
      }),
      { numRuns: 50 },
    );
  });

  it('are read through where they are longer than what is read at once', async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => line('worker 0', i, `größer ${i}`));
    const directory = folder({ 'worker-0.jsonl': lines.join('') });
    expect(await messagesOf(directory)).toEqual(lines.map((_, i) => `größer ${i}`));
  });

  it('are followed: what is added, what is finished, what is set aside, and who comes later', async () => {
    const [first, second] = [line('worker 0', 1, 'a'), line('worker 0', 2, 'b')] as const;
    const directory = folder({ 'worker-0.jsonl': first + second.slice(0, 20) });
    const path = join(directory, 'worker-0.jsonl');
    const stop = new AbortController();
    const then: Record<string, () => void> = {
      a: () => appendFileSync(path, second.slice(20)),
      b: () => {
        appendFileSync(path, line('worker 0', 3, 'c'));
        renameSync(path, `${path}.1`);
        writeFileSync(path, line('worker 0', 4, 'd'));
      },
      d: () => writeFileSync(join(directory, 'loader.jsonl'), line('loader', 5, 'e')),
      e: () => stop.abort(),
    };
    const seen: string[] = [];
    for await (const entry of followLogs(directory, stop.signal)) {
      seen.push(shown(entry));
      then[shown(entry)]?.();
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});
