import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import type { TrainEvent } from './trainEvent.ts';

const written: ReadonlySet<TrainEvent['kind']> = new Set(['step', 'not finite', 'refused', 'validated', 'finished']);

/**
 * The figures of a run on disk: one JSON line a step, a validation, what was refused, and the end of a phase. Every line is handed to the operating system before
 * `add` returns, so that it survives the end of this process, whatever end that is. NaN (a class that is absent) is null.
 */
export class MetricsLog {
  readonly path: string;
  #file: number | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** What is done again after a failure or in a resumed run stands here once: what came after the step to go on from is taken out. */
  add(event: TrainEvent): void {
    if (event.kind === 'recovered' || event.kind === 'resumed') this.#rewind(event.step);
    else if (!written.has(event.kind)) return;
    this.#file ??= openSync(this.path, 'a');
    writeSync(this.#file, `${JSON.stringify(event)}\n`);
  }

  #rewind(step: number): void {
    this.close();
    if (!existsSync(this.path)) return;
    const kept = linesUntil(readFileSync(this.path, 'utf8').split('\n'), step);
    const temporary = `${this.path}.new`;
    writeFileSync(temporary, kept.map((line) => `${line}\n`).join(''));
    renameSync(temporary, this.path);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

/** Without what is about later steps, what was not finished, and the end of a phase that is done again. */
function linesUntil(lines: readonly string[], step: number): string[] {
  let dropped = false;
  return lines.filter((line) => {
    const about = stepOf(line);
    if (about === undefined) return !dropped;
    if (about > step) dropped = true;
    return about <= step;
  });
}

/** The step that a line is about; undefined for the end of a phase. What was refused is not done again: it stays. */
function stepOf(line: string): number | undefined {
  try {
    const { kind, step } = JSON.parse(line) as { kind: string; step?: number };
    if (kind === 'refused') return -1;
    return kind === 'finished' ? undefined : (step ?? Infinity);
  } catch {
    return Infinity;
  }
}
