import { SingleBar } from 'cli-progress';
import pc from 'picocolors';
import type { InstallReport } from '../engine/install/installContext.ts';

const MEGA = 1e6;
const QUARTER = 25;
const CLEAR = '\r\u001B[K';

interface Step {
  readonly name: string;
  readonly start: number;
  bar: SingleBar | undefined;
  /** Without a terminal: the percentage that was printed last. */
  told: number;
}

/** Tells a person how a set-up goes: a bar on a terminal, a line each quarter elsewhere, and how long each step took. */
export function setupReport(stream: NodeJS.WriteStream): InstallReport & { stop(): void } {
  let step: Step | undefined;
  const line = (text: string): void => {
    step?.bar?.stop();
    if (step) step.bar = undefined;
    stream.write(`${stream.isTTY ? CLEAR : ''}${text}\n`);
  };
  return {
    begin(name, bytes) {
      step = { name, start: performance.now(), bar: undefined, told: 0 };
      const size = bytes === undefined ? '' : ` (${Math.round(bytes / MEGA)} MB)`;
      stream.write(`▸ ${name}${size}${stream.isTTY ? ' …' : '\n'}`);
    },
    progress(done, total) {
      if (step === undefined || total === undefined || total < MEGA) return;
      if (stream.isTTY) advanceBar(step, done, total, stream);
      else if ((100 * done) / total >= step.told + QUARTER) {
        step.told = Math.floor((100 * done) / total / QUARTER) * QUARTER;
        stream.write(`  ${step.told} %\n`);
      }
    },
    end() {
      if (step) line(`${pc.green('✓')} ${step.name} (${seconds(performance.now() - step.start)})`);
      step = undefined;
    },
    note(text) {
      line(`${pc.yellow('!')} ${text}`);
      step = undefined;
    },
    stop() {
      step?.bar?.stop();
      step = undefined;
    },
  };
}

function advanceBar(step: Step, done: number, total: number, stream: NodeJS.WriteStream): void {
  const passed = performance.now() - step.start;
  // Too early to tell while next to nothing has come.
  const left = done * 100 < total ? '…' : seconds((passed * (total - done)) / done);
  if (step.bar === undefined) {
    stream.write(CLEAR);
    const format = `▸ ${step.name} {bar} {value} / {total} MB, {left} left`;
    step.bar = new SingleBar({ format, stream, barsize: 24, clearOnComplete: true, stopOnComplete: false, fps: 5 });
    step.bar.start(Math.round(total / MEGA), 0, { left });
  }
  step.bar.update(Math.min(Math.round(done / MEGA), Math.round(total / MEGA)), { left });
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
