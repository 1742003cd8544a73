import { clockTime } from '../telemetry/clockTime.ts';
import type { ReceivedTensor, SentTensor } from '../transport/protocol.ts';

/** What a worker notes during one step, by a clock that begins with it. */
export class StepRecord {
  readonly start = clockTime();
  readonly sent: SentTensor[] = [];
  readonly received: ReceivedTensor[] = [];

  /** Milliseconds since the step began. */
  now(): number {
    return clockTime() - this.start;
  }
}
