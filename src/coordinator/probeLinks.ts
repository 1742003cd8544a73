import { randomUUID } from 'node:crypto';
import { measuredLink, type Probe, type ProbeSide } from '../partition/measuredLink.ts';
import type { MeasuredLink } from '../partition/profile.ts';
import { workerName } from '../transport/names.ts';
import type { ReplyTo } from '../transport/protocol.ts';
import type { Fleet } from './fleet/fleet.ts';
import { layBetween } from './wiring.ts';

/** Values of 4 bytes: 64 KiB, where latency is most of it, and 8 MiB, where it is least. */
const SMALL = 2 ** 14;
const LARGE = 2 ** 21;
const ROUNDS = 8;
/** Of more workers the neighbours in a ring stand for all. */
const MOST_FOR_ALL_PAIRS = 3;

interface Pair {
  readonly from: number;
  readonly to: number;
}

/** Measures the links between workers, one after the other, over links of their own that are closed by the next `bind`. */
export async function probeLinks(
  fleet: Fleet,
  { workers, shared }: { workers: number; shared: boolean },
): Promise<MeasuredLink[]> {
  if (workers < 2) return [];
  const pairs = pairsOf(workers);
  const names = Array.from({ length: workers }, (_, worker) => workerName(worker));
  const wires = pairs.map(({ from, to }) => ({ from: workerName(from), to: workerName(to) }));
  await layBetween(fleet, names, wires, { run: randomUUID(), highWaterMark: 2 });
  const links: MeasuredLink[] = [];
  for (const pair of pairs) {
    const small = await probe(fleet, pair, SMALL);
    const large = await probe(fleet, pair, LARGE);
    links.push(measuredLink({ ...pair, small, large, shared }));
  }
  return links;
}

/** Both directions of each: an answer needs the way back. */
function pairsOf(workers: number): Pair[] {
  const all = Array.from({ length: workers }, (_, from) => from);
  if (workers <= MOST_FOR_ALL_PAIRS)
    return all.flatMap((from) => all.filter((to) => to !== from).map((to) => ({ from, to })));
  return all.flatMap((from) => {
    const to = (from + 1) % workers;
    return [
      { from, to },
      { from: to, to: from },
    ];
  });
}

async function probe(fleet: Fleet, { from, to }: Pair, values: number): Promise<Probe> {
  const rounds = ROUNDS;
  const [sender, receiver] = await Promise.all([
    fleet.request(workerName(from), 'probe', { rounds, peer: workerName(to), first: true, sends: values }),
    fleet.request(workerName(to), 'probe', { rounds, peer: workerName(from), first: false, sends: SMALL }),
  ]);
  return { bytes: 4 * values, sender: sideOf(sender), receiver: sideOf(receiver) };
}

const sideOf = ({ milliseconds, occupied, processor }: ReplyTo<'probe'>): ProbeSide => ({
  milliseconds,
  occupied,
  processor,
});
