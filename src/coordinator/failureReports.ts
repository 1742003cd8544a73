import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import type { FailureFacts, FailureOutcome, LayoutFacts } from '../telemetry/failureReport/facts.ts';
import { machineFacts } from '../telemetry/failureReport/machine.ts';
import { versionsOfRun } from '../telemetry/failureReport/versions.ts';
import { rewriteFailureReport, writeFailureReport, type WrittenReport } from '../telemetry/failureReport/write.ts';
import { noLog, type Log } from '../telemetry/log/log.ts';
import { failuresFolder } from '../telemetry/runDirectory.ts';
import { RemoteError, RunFailure } from './errors.ts';
import type { Pipeline } from './pipeline.ts';

export interface FailureReportsOptions {
  /** The run's folder, and what the run is called. */
  readonly directory: string;
  readonly run: string;
  readonly log?: Log | undefined;
}

/**
 * The reports of a run's failures, in its folder. Each is written when the failure is known, and once more when it is known what
 * was done about it. Never throws: a report that cannot be written must not be one more failure.
 */
export class FailureReports {
  readonly #options: FailureReportsOptions;
  readonly #log: Log;
  /** Of which it is not known yet what was done. */
  #open: { readonly report: WrittenReport; readonly facts: FailureFacts }[] = [];
  #layout: LayoutFacts | undefined;
  #phase: string | undefined;

  constructor(options: FailureReportsOptions) {
    this.#options = options;
    this.#log = options.log ?? noLog;
  }

  /** From now on the network lies so. */
  laidOut({ workers, layout }: Pick<Pipeline, 'workers' | 'layout'>, phase: string | undefined): void {
    const { microBatches, recompute } = layout;
    const stages = workers
      .flatMap(({ worker, stages: own }) => own.map(({ stage, cells }) => ({ stage, worker, cells })))
      .toSorted((a, b) => a.stage - b.stage)
      .map(({ worker, cells }) => ({ worker, cells }));
    this.#layout = { workers: workers.length, stages, microBatches, recompute };
    this.#phase = phase;
  }

  /** Writes what is known, unless it was written before; the failure knows the file from then on. */
  add(failure: RunFailure): void {
    if (failure.report !== undefined || !this.#isWorthOne(failure)) return;
    this.#attempt(() => {
      const facts = this.#factsOf(failure);
      const report = writeFailureReport(resolve(join(this.#options.directory, failuresFolder)), facts);
      failure.report = report.text;
      this.#open.push({ report, facts });
    });
  }

  /** @param from `the snapshot of step 120`; `how`: `on 3 workers` */
  recovered(from: string, how: string, seconds: number): void {
    this.#log.info('recovered', { from, how, seconds });
    this.#settle({ kind: 'recovered', from, how, seconds });
  }

  ended(why: string): void {
    this.#settle({ kind: 'ended', why });
  }

  /** The run has ended with an error. */
  endedBy(error: unknown): void {
    if (error instanceof RunFailure) this.add(error);
    this.ended(error instanceof Error ? error.message : String(error));
  }

  #settle(outcome: FailureOutcome): void {
    const open = this.#open;
    this.#open = [];
    for (const { report, facts } of open) this.#attempt(() => rewriteFailureReport(report, { ...facts, outcome }));
  }

  /** Where nothing was ever computed and the process itself says why it cannot begin, that says all. */
  #isWorthOne({ cause }: RunFailure): boolean {
    return this.#layout !== undefined || !(cause instanceof RemoteError);
  }

  #factsOf(failure: RunFailure): FailureFacts {
    const { peer, stages, step, during, output, processes, time } = failure;
    return {
      ...{ version: 1, time: new Date(time).toISOString(), run: this.#options.run, phase: this.#phase },
      failure: { peer, stages, step, during, output, causes: causesOf(failure.cause) },
      ...{ processes, machine: machineFacts(), versions: versionsOfRun(), layout: this.#layout },
      outcome: { kind: 'undecided' },
    };
  }

  #attempt(body: () => void): void {
    try {
      body();
    } catch (error) {
      this.#log.error('the report of a failure could not be written', { error });
    }
  }
}

/** An error, and what it came from; a cause that leads back to itself would never end. */
function causesOf(error: unknown, depth = 5): FailureFacts['failure']['causes'] {
  if (error === undefined || error === null || depth === 0) return [];
  if (!(error instanceof Error)) return [{ name: 'Error', message: inspect(error) }];
  const { name, message, stack, cause } = error;
  return [{ name, message, stack }, ...causesOf(cause, depth - 1)];
}
