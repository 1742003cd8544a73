import { MultiBar } from 'cli-progress';
import { describeEvent } from './describeEvent.ts';
import { advance, formatProgress, formatProgressBar, initialProgress, type Progress } from './progress.ts';
import type { TrainEvent } from './trainEvent.ts';

/** Where a command writes: a terminal, a file, a pipe. */
export interface TextOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Shows a training run while it goes on. */
export interface Reporter {
  report(event: TrainEvent): void;
  /** Ends the showing, whatever became of the run; leaves the terminal as it was. Safe to call twice. */
  stop(): void;
}

const seconds = (): number => performance.now() / 1000;

/** A bar where a person watches, plain lines where the output goes to a file or a log. */
export function progressReporter(output: TextOutput): Reporter {
  return output.isTTY ? barReporter(output as NodeJS.WritableStream & TextOutput) : lineReporter(output);
}

/** One JSON object a line, an event each. */
export function jsonReporter(output: TextOutput): Reporter {
  return { report: (event) => void output.write(`${JSON.stringify(event)}\n`), stop: () => {} };
}

/** Lines: every event but the steps, and of those one every `interval` seconds, the first and the last. */
export function lineReporter(output: TextOutput, interval = 5, clock: () => number = seconds): Reporter {
  let progress = initialProgress;
  let written = -Infinity;
  return {
    report(event) {
      const now = clock();
      progress = advance(progress, event, now);
      const text = describeEvent(event);
      if (text !== undefined) output.write(`${text}\n`);
      else if (now - written >= interval || progress.step === progress.steps) {
        output.write(`${formatProgress(progress)}\n`);
        written = now;
      }
    },
    stop: () => {},
  };
}

/** A bar at the bottom of the terminal; other events scroll away above it. */
export function barReporter(output: NodeJS.WritableStream & TextOutput, clock: () => number = seconds): Reporter {
  let progress: Progress = initialProgress;
  let bars: MultiBar | undefined;
  const start = (): MultiBar => {
    const format = (): string => formatProgressBar(progress, output.columns ?? 80);
    const started = new MultiBar({ stream: output, format, hideCursor: true, fps: 8 });
    started.create(1, 0);
    return started;
  };
  return {
    report(event) {
      progress = advance(progress, event, clock());
      if (event.kind === 'step') bars ??= start();
      const text = describeEvent(event);
      if (text === undefined) return;
      if (bars) bars.log(`${text}\n`);
      else output.write(`${text}\n`);
    },
    stop() {
      // What is logged shows only with the next update.
      bars?.update();
      bars?.stop();
      bars = undefined;
    },
  };
}
