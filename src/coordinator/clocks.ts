import { clockTime } from '../telemetry/clockTime.ts';
import { workerName } from '../transport/names.ts';
import type { Fleet } from './fleet/fleet.ts';

/** A question for the time and its answer, each by its own clock, in milliseconds. */
export interface ClockExchange {
  readonly asked: number;
  readonly told: number;
  readonly heard: number;
}

const EXCHANGES = 5;
/** No clock is finer, in milliseconds. */
const NANOSECOND = 1e-6;

/** How far the clock of every worker is ahead of this process's, in milliseconds. */
export async function clockOffsets(fleet: Fleet, workers: number): Promise<number[]> {
  return Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      const exchanges: ClockExchange[] = [];
      for (let n = 0; n < EXCHANGES; n++) {
        const asked = clockTime();
        const { now: told } = await fleet.request(workerName(worker), 'clock', {});
        exchanges.push({ asked, told, heard: clockTime() });
      }
      return clockOffset(exchanges);
    }),
  );
}

/**
 * From the fastest exchange (Cristian, Probabilistic clock synchronization, 1989): the answer was given half-way between
 * question and hearing, give or take half of what lies between. Where 0 is within that, it is 0: processes of one machine share
 * a clock, which is finer than any exchange.
 */
export function clockOffset(exchanges: readonly ClockExchange[]): number {
  const trip = ({ asked, heard }: ClockExchange): number => heard - asked;
  const best = exchanges.reduce((a, b) => (trip(b) < trip(a) ? b : a));
  const offset = best.told - (best.asked + best.heard) / 2;
  return Math.abs(offset) <= trip(best) / 2 + NANOSECOND ? 0 : offset;
}
