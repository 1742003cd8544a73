import { median } from '../../src/partition/spread.ts';
import { measure, type Command, type Measured } from './subject.ts';

export interface Contestant {
  readonly name: string;
  readonly command: Command;
}

/** What one program did in all rounds. */
export interface Outcome {
  readonly name: string;
  /** Median over the rounds. */
  readonly step_seconds: number;
  readonly rounds: readonly number[];
  /** The most of all rounds. */
  readonly peak_mib: number;
}

export interface Comparison {
  readonly ours: Outcome;
  readonly peer?: Outcome;
  /** Ours to the peer's: below 1 we are faster. */
  readonly ratio?: { readonly of_medians: number; readonly median_of_pairs: number; readonly pairs: readonly number[] };
}

/**
 * Interleaved rounds (ours, the peer, ours, the peer, …), each in a new process: other work on the machine slows both, and the
 * ratio of a pair hardly notices.
 */
export async function compare(ours: Contestant, peer: Contestant | undefined, rounds: number): Promise<Comparison> {
  const [mine, theirs]: [Measured[], Measured[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    mine.push(await measure(ours.command));
    if (peer) theirs.push(await measure(peer.command));
  }
  const outcome = outcomeOf(ours.name, mine);
  if (!peer) return { ours: outcome };
  const other = outcomeOf(peer.name, theirs);
  const pairs = mine.map(({ seconds }, round) => seconds / theirs[round]!.seconds);
  const of_medians = outcome.step_seconds / other.step_seconds;
  return { ours: outcome, peer: other, ratio: { of_medians, median_of_pairs: median(pairs), pairs } };
}

const outcomeOf = (name: string, runs: readonly Measured[]): Outcome => {
  const rounds = runs.map(({ seconds }) => seconds);
  const peak_mib = Math.max(...runs.map(({ peakMib }) => peakMib));
  return { name, step_seconds: median(rounds), rounds, peak_mib };
};

/** Lines for a person. */
export function describeComparison({ ours, peer, ratio }: Comparison): string {
  const lines = [ours, ...(peer ? [peer] : [])].map(({ name, step_seconds, rounds, peak_mib }) => {
    const range = `${milliseconds(Math.min(...rounds))}–${milliseconds(Math.max(...rounds))}`;
    return `  ${name.padEnd(32)} ${milliseconds(step_seconds)} ms a step (${range})   peak ${Math.round(peak_mib)} MiB`;
  });
  if (ratio)
    lines.push(
      `  ${'ratio of the times'.padEnd(32)} ${ratio.of_medians.toFixed(2)} of the medians, ` +
        `${ratio.median_of_pairs.toFixed(2)} the median of the rounds' own`,
    );
  return lines.join('\n');
}

const milliseconds = (seconds: number): string => (seconds * 1000).toFixed(0);
