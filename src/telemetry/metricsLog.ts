import { closeSync, openSync, writeSync } from 'node:fs';
import type { TrainEvent } from './trainEvent.ts';

/**
 * The figures of a run on disk: one JSON line a step, a validation, and the end of a phase. Every line is handed to the operating system before
 * `add` returns, so that it survives the end of this process, whatever end that is. NaN (a class that is absent) is null.
 */
export class MetricsLog {
  readonly path: string;
  #file: number | undefined;

  constructor(path: string) {
    this.path = path;
  }

  add(event: TrainEvent): void {
    if (event.kind !== 'step' && event.kind !== 'validated' && event.kind !== 'finished') return;
    this.#file ??= openSync(this.path, 'a');
    writeSync(this.#file, `${JSON.stringify(event)}\n`);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}
