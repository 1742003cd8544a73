import { textWidth } from './textWidth.ts';
import type { TrainEvent } from './trainEvent.ts';
import { formatDuration, formatMeasure, formatShare } from './units.ts';

/** How far a training run is. Times are in seconds of any one clock. */
export interface Progress {
  /** The phase that is trained, where the run has phases. */
  readonly phase?: string;
  readonly steps: number;
  readonly epochs: number;
  readonly step: number;
  readonly epoch: number;
  /** When the first step began, and the number of steps done before it. */
  readonly start: { readonly time: number; readonly step: number };
  readonly now: number;
  /** The last few steps, over which loss and speed are averaged. */
  readonly recent: readonly RecentStep[];
  readonly dice?: number;
}

interface RecentStep {
  readonly loss: number;
  readonly samples: number;
  readonly seconds: number;
  /** Of the seconds, for how long data were waited for. */
  readonly waited: number;
}

const WINDOW = 20;
/** Waiting for data is worth a word from this share of the time on. */
const WORTH_TELLING = 0.05;

export const initialProgress: Progress = {
  steps: 0,
  epochs: 0,
  step: 0,
  epoch: 0,
  start: { time: 0, step: 0 },
  now: 0,
  recent: [],
};

/** How far the run is after an event. */
export function advance(progress: Progress, event: TrainEvent, now: number): Progress {
  switch (event.kind) {
    case 'launched': {
      const { phase, steps, stepsPerEpoch, done = { steps: 0, epochs: 0 } } = event;
      return {
        ...initialProgress,
        ...(phase ? { phase: phase.name } : {}),
        steps,
        epochs: done.epochs + Math.ceil((steps - done.steps) / stepsPerEpoch),
        step: done.steps,
        epoch: done.epochs,
        start: { time: now, step: done.steps },
        now,
      };
    }
    case 'step': {
      const { step, epoch, steps, loss, samples, seconds, loading = 0 } = event;
      const first = progress.recent.length === 0;
      // The first mini-batch nobody could make ahead.
      const waited = first ? 0 : loading * seconds;
      return {
        ...progress,
        step,
        epoch,
        steps,
        // What went before the first step (loading, profiling) says nothing about the steps to come.
        start: first ? { time: now - seconds, step: step - 1 } : progress.start,
        now,
        recent: [...progress.recent, { loss, samples, seconds, waited }].slice(-WINDOW),
      };
    }
    case 'validated':
      return { ...progress, now, dice: event.meanDice };
    case 'recovered':
    case 'resumed':
      // How fast it was says something of what comes, how far it had come does not.
      return { ...progress, step: event.step, recent: [], start: { time: now, step: event.step }, now };
    case 'finished':
    case 'saved':
    case 'failed':
    case 'not finite':
    case 'refused':
    case 'note':
      return progress;
  }
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

export function recentLoss({ recent }: Progress): number | undefined {
  // Without those that came to nothing.
  const losses = recent.map(({ loss }) => loss).filter(Number.isFinite);
  return losses.length === 0 ? undefined : total(losses) / losses.length;
}

export function samplesPerSecond({ recent }: Progress): number | undefined {
  const seconds = total(recent.map((step) => step.seconds));
  return seconds > 0 ? total(recent.map((step) => step.samples)) / seconds : undefined;
}

/** The share of the time for which data were waited for. */
function loadingShare({ recent }: Progress): number {
  const seconds = total(recent.map((step) => step.seconds));
  return seconds > 0 ? total(recent.map((step) => step.waited)) / seconds : 0;
}

/** From all that has passed since the first step began, so that validations count with their share. */
export function secondsLeft({ start, now, step, steps }: Progress): number | undefined {
  const done = step - start.step;
  return done > 0 ? ((now - start.time) / done) * (steps - step) : undefined;
}

/** `epoch 2/10  step 12/60  loss 0.512  Dice 0.634  3.1 samples/s  1 min 05 s left` */
export function formatProgress(progress: Progress): string {
  const { phase, epoch, epochs, step, steps, dice } = progress;
  const loss = recentLoss(progress);
  const speed = samplesPerSecond(progress);
  const left = secondsLeft(progress);
  const loading = loadingShare(progress);
  return [
    phase !== undefined && `phase ${phase}`,
    `epoch ${epoch}/${epochs}`,
    `step ${step}/${steps}`,
    loss !== undefined && `loss ${formatMeasure(loss)}`,
    dice !== undefined && `Dice ${dice.toFixed(3)}`,
    speed !== undefined && `${speed.toFixed(speed < 10 ? 1 : 0)} samples/s`,
    left !== undefined && `${formatDuration(left)} left`,
    loading > WORTH_TELLING && `${formatShare(loading)} waiting for data (raise data.loaders)`,
  ]
    .filter((part) => part !== false)
    .join('  ');
}

/** The same behind a bar, where the line has room for one. */
export function formatProgressBar(progress: Progress, columns: number): string {
  const text = formatProgress(progress);
  // The last column stays free: a full line makes some terminals start another.
  const room = Math.min(30, columns - textWidth(text) - 3);
  if (room < 8) return text;
  const full = progress.steps === 0 ? 0 : Math.round((room * progress.step) / progress.steps);
  return `${'█'.repeat(full)}${'░'.repeat(room - full)}  ${text}`;
}
