import type { Schedule } from '../pipeline/action.ts';
import { linksOf, messagesOf } from '../pipeline/messages.ts';
import type { Routes } from '../pipeline/routes.ts';
import { DataInlet } from '../transport/dataLink.ts';
import { LOADER, SINK, workerName } from '../transport/names.ts';
import type { Fleet } from './fleet.ts';

/** An ordered pair of peers of which the first has something to send to the second. */
interface Wire {
  readonly from: string;
  readonly to: string;
}

/** Every link of a run: what the schedule sends between workers, images and labels from the loader, predictions to the sink. */
export function wiresOf(schedule: Schedule, routes: Routes): readonly Wire[] {
  const first = schedule.placement[0]!;
  const last = schedule.placement.at(-1)!;
  const between = linksOf(messagesOf(schedule, routes)).map(({ from, to }) => ({
    from: workerName(from),
    to: workerName(to),
  }));
  const fed = [...new Set([first, last])].map((worker) => ({ from: LOADER, to: workerName(worker) }));
  return [...between, ...fed, { from: workerName(last), to: SINK }];
}

/**
 * Lays the data plane: every receiver listens, then every sender connects. Returns the inlet for predictions, which the caller
 * closes.
 */
export async function layWires(
  fleet: Fleet,
  wires: readonly Wire[],
  options: { run: string; highWaterMark: number; workers: number },
): Promise<DataInlet> {
  const { run, highWaterMark } = options;
  const peers = [...Array.from({ length: options.workers }, (_, k) => workerName(k)), LOADER];
  const sinkSource = wires.find(({ to }) => to === SINK)!.from;
  const sink = await DataInlet.bind({ from: sinkSource, run, highWaterMark });
  try {
    const endpoints = new Map<string, Record<string, string>>([[SINK, { [sinkSource]: sink.endpoint }]]);
    await Promise.all(
      peers.map(async (peer) => {
        const from = wires.filter(({ to }) => to === peer).map((wire) => wire.from);
        endpoints.set(peer, (await fleet.request(peer, 'bind', { from, run, highWaterMark })).endpoints);
      }),
    );
    await Promise.all(
      peers.map(async (peer) => {
        const receivers = wires
          .filter(({ from }) => from === peer)
          .map(({ to }) => [to, endpoints.get(to)![peer]!] as const);
        await fleet.request(peer, 'connect', { to: Object.fromEntries(receivers), run, highWaterMark });
      }),
    );
    return sink;
  } catch (error) {
    sink.close();
    throw error;
  }
}
