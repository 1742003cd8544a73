import { mean, median, spreadOf, type Spread } from '../../partition/spread.ts';
import { recordedTimeline, sideBySide, timeShares } from '../../telemetry/timeline.ts';
import type { TimedStep } from './contender.ts';
import type { Subject } from './subject.ts';

/** What one subject did in all rounds. */
export interface Figures {
  readonly subject: Subject;
  /** That were taken, and that count; and the most that others took of the machine in one that does. */
  readonly steps: number;
  readonly counted: number;
  readonly disturbance: number | undefined;
  /** Seconds of a step; of independent workers, of one worker's. */
  readonly stepSeconds: Spread;
  readonly samplesPerSecond: number;
  readonly voxelsPerSecond: number;
  /** Over one worker with as many micro-batches. */
  readonly speedUp: number | undefined;
  /** Of what as many independent workers did side by side in the same rounds. */
  readonly efficiency: number | undefined;
  /** The part of the step in which workers wait, their mean: as the simulator says, and as it was. */
  readonly bubble: { readonly predicted: number | undefined; readonly measured: number };
  /** Of every worker. */
  readonly bubbles: readonly number[];
  /** Seconds of a step as the simulator says. */
  readonly predictedSeconds: number | undefined;
  /** The most that each worker had resident, in bytes. */
  readonly peaks: readonly number[];
  /** A step, between workers. */
  readonly bytesSent: number;
}

/** What was seen of one subject. */
export interface Observed {
  readonly subject: Subject;
  readonly steps: readonly TimedStep[];
  readonly peaks: readonly number[];
  readonly predicted: { readonly seconds: number; readonly bubble: number } | undefined;
}

/** @param batch samples of a mini-batch and voxels of a sample */
export function figuresOf(
  observed: readonly Observed[],
  batch: { readonly samples: number; readonly voxels: number },
): Figures[] {
  const counted = observed.map(({ steps }) => undisturbed(steps));
  const rates = counted.map((steps) => rateOf(steps, batch.samples));
  const rateOfIndependent = (workers: number, microBatches: number): number | undefined =>
    rates[
      observed.findIndex(
        ({ subject }) =>
          subject.kind === 'independent' && subject.workers === workers && subject.microBatches === microBatches,
      )
    ];
  return observed.map(({ subject, steps: taken, peaks, predicted }, index) => {
    const steps = counted[index]!;
    const rate = rates[index]!;
    const single = rateOfIndependent(1, subject.microBatches);
    const ceiling = rateOfIndependent(subject.workers, subject.microBatches);
    const bubbles = bubblesOf(steps);
    return {
      ...{ subject, peaks, bubbles },
      steps: taken.length,
      counted: steps.length,
      disturbance: mostOf(steps),
      stepSeconds: spreadOf(steps.flatMap(({ seconds }) => seconds)),
      samplesPerSecond: rate,
      voxelsPerSecond: rate * batch.voxels,
      speedUp: single === undefined ? undefined : rate / single,
      efficiency: ceiling === undefined ? undefined : rate / ceiling,
      bubble: { predicted: predicted?.bubble, measured: mean(bubbles) },
      predictedSeconds: predicted?.seconds,
      bytesSent: steps.at(-1)?.bytesSent ?? 0,
    };
  });
}

/** Of the machine that others may take in a step that counts. */
const QUIET = 0.05;
/** So many count, however disturbed. */
const LEAST = 3;

/** The steps that were not disturbed; where there are too few, the least disturbed ones. All, where nothing is known. */
export function undisturbed(steps: readonly TimedStep[]): readonly TimedStep[] {
  const quiet = steps.filter(({ disturbance = 0 }) => disturbance <= QUIET);
  if (quiet.length >= LEAST) return quiet;
  return steps.toSorted((a, b) => (a.disturbance ?? 0) - (b.disturbance ?? 0)).slice(0, LEAST);
}

const mostOf = (steps: readonly TimedStep[]): number | undefined => {
  const known = steps.flatMap(({ disturbance }) => disturbance ?? []);
  return known.length > 0 ? Math.max(...known) : undefined;
};

/** Samples a second: those of all pipelines that step side by side, each by its median step. */
export function rateOf(steps: readonly TimedStep[], samples: number): number {
  const pipelines = steps[0]?.seconds.length ?? 0;
  const medians = Array.from({ length: pipelines }, (_, each) => median(steps.map(({ seconds }) => seconds[each]!)));
  return medians.reduce((sum, seconds) => sum + samples / seconds, 0);
}

/** The part of its step in which each worker waits: the median over the steps. */
function bubblesOf(steps: readonly TimedStep[]): number[] {
  const perStep = steps.map(({ recordings }) =>
    recordings.flatMap(({ records }) =>
      timeShares(sideBySide(records.map(recordedTimeline))).map(({ bubble }) => bubble),
    ),
  );
  return (perStep[0] ?? []).map((_, worker) => median(perStep.map((bubbles) => bubbles[worker]!)));
}
