import { recordedTimeline, sideBySide, type RecordedStep } from '../telemetry/timeline.ts';
import { formatTrace, traceOf } from '../telemetry/trace.ts';

/** A step as its workers recorded it. */
export interface StepRecording {
  /** When it began on the first worker that did, in milliseconds since 1970; the record's clock begins there. */
  readonly begin: number;
  /** Of every replica. */
  readonly records: readonly RecordedStep[];
}

/** The last steps of a run, for a trace: no more of them are kept than were asked for. */
export class StepTrace {
  readonly #limit: number;
  readonly #kept: { readonly step: number; readonly recording: StepRecording; readonly phase: string | undefined }[] =
    [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(step: number, recording: StepRecording, phase?: string): void {
    this.#kept.push({ step, recording, phase });
    if (this.#kept.length > this.#limit) this.#kept.shift();
  }

  get steps(): number {
    return this.#kept.length;
  }

  /** As Perfetto and chrome://tracing read it. */
  format(name: string): string {
    const first = this.#kept[0]?.recording.begin ?? 0;
    return formatTrace(
      traceOf(
        name,
        this.#kept.map(({ step, recording: { begin, records }, phase }) => ({
          timeline: sideBySide(records.map(recordedTimeline)),
          start: begin - first,
          step,
          ...(phase === undefined ? {} : { phase }),
        })),
      ),
    );
  }
}
