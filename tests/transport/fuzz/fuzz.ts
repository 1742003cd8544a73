import { RandomStream } from '../../../src/random/stream.ts';
import { newKeyPair } from '../../../src/transport/keyPair.ts';
import { zapCounters } from '../../../src/transport/zap.ts';
import { controlPlane } from './fuzzControl.ts';
import { dataPlane } from './fuzzData.ts';
import type { PlaneReport } from './fuzzData.ts';
import { strangers } from './strangers.ts';
import type { StrangerReport } from './strangers.ts';

export interface FuzzReport {
  readonly control: PlaneReport;
  readonly data: PlaneReport;
  readonly strangers: StrangerReport;
  /** Refused by key. */
  readonly keysRefused: number;
  /** Bytes that this process, with both ends and all strangers in it, held: at the start, and at most. */
  readonly resident: { readonly start: number; readonly peak: number };
  readonly seconds: number;
}

/** Half of the frames go to each plane, while strangers hammer at both. The same seed draws the same, but for what is replayed. */
export async function fuzz({ frames, seed }: { frames: number; seed: number }): Promise<FuzzReport> {
  const [server, client] = [newKeyPair(), newKeyPair()];
  const [control, data] = [await controlPlane(server, client), await dataPlane(server, client)];
  const hammering = [control, data].map(({ endpoint }, i) =>
    strangers(endpoint, server.publicKey, new RandomStream(seed, 'strangers', i)),
  );
  const keysBefore = zapCounters().key ?? 0;
  const start = process.memoryUsage.rss();
  let peak = start;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 100);
  const began = performance.now();
  try {
    const [controlReport, dataReport] = await Promise.all([
      control.fuzz(frames / 2, new RandomStream(seed, 'control')),
      data.fuzz(frames / 2, new RandomStream(seed, 'data')),
    ]);
    const told = hammering.map((each) => each.report());
    return {
      ...{ control: controlReport, data: dataReport },
      strangers: {
        connections: told.reduce((sum, each) => sum + each.connections, 0),
        toldAtMost: Math.max(...told.map((each) => each.toldAtMost)),
      },
      keysRefused: (zapCounters().key ?? 0) - keysBefore,
      resident: { start, peak },
      seconds: (performance.now() - began) / 1000,
    };
  } finally {
    clearInterval(watch);
    for (const each of hammering) each.stop();
    control.close();
    data.close();
  }
}
