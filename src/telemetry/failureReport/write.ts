import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { FailureFacts } from './facts.ts';
import { formatFailureReport } from './format.ts';

/** A report on disk: `<stem>.json`, and `<stem>.txt` for a person. */
export interface WrittenReport {
  readonly json: string;
  readonly text: string;
}

/** Writes a report into a folder of reports, under the next number: `0003-worker-1.json` and `.txt`. */
export function writeFailureReport(folder: string, facts: FailureFacts): WrittenReport {
  mkdirSync(folder, { recursive: true });
  const numbers = readdirSync(folder).map((name) => Number(/^(\d+)-/.exec(name)?.[1] ?? 0));
  const number = String(1 + Math.max(0, ...numbers)).padStart(4, '0');
  const stem = join(folder, `${number}-${facts.failure.peer.replaceAll(/[^\w.]+/g, '-')}`);
  const report = { json: `${stem}.json`, text: `${stem}.txt` };
  rewriteFailureReport(report, facts);
  return report;
}

/** Puts other facts in the place of those of a report: more is known now. */
export function rewriteFailureReport({ json, text }: WrittenReport, facts: FailureFacts): void {
  writeWhole(json, `${JSON.stringify(facts, undefined, 2)}\n`);
  writeWhole(text, formatFailureReport(facts));
}

/** A reader finds the old file or the new one, whole. */
function writeWhole(path: string, content: string): void {
  const temporary = `${path}.tmp`;
  try {
    const file = openSync(temporary, 'w');
    try {
      writeSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
