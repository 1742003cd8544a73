import { gatherRounds, reduceRounds, ringChunks, type RingRound } from '../pipeline/ring.ts';
import type { DataInlet, DataOutlet } from '../transport/dataLink.ts';
import type { Pulse } from '../transport/pulse.ts';
import { keyOf } from '../transport/tensorMessage.ts';

export interface RingOptions {
  /** Which of how many replicas this is. */
  readonly replica: number;
  readonly replicas: number;
  /** From the replica before, and to the next. */
  readonly inlet: DataInlet;
  readonly outlet: DataOutlet;
  readonly step: number;
  readonly pulse: Pulse;
  readonly signal: AbortSignal;
}

/**
 * The ring of the workers that hold the same stages, one in each replica. What they sum comes out the same bit for bit on all of
 * them, in every run: `reduceRounds` says in which order.
 */
export class Ring {
  readonly #options: RingOptions;
  #bytesSent = 0;

  constructor(options: RingOptions) {
    this.#options = options;
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** The sum of every replica's values; `bucket` tells it apart from others of the step. Takes `values` over. */
  async sum(bucket: number, values: Float32Array): Promise<Float32Array> {
    const { replica, replicas } = this.#options;
    const chunks = ringChunks(replicas, values.length).map(({ begin, end }) => values.subarray(begin, end));
    await this.#go(bucket, reduceRounds(replicas, replica), chunks);
    return joined(chunks, values.length);
  }

  /** Every replica's values, in their order. All give as many. Takes `values` over. */
  async gather(bucket: number, values: Float32Array): Promise<readonly Float32Array[]> {
    const { replica, replicas } = this.#options;
    const chunks = Array.from({ length: replicas }, () => values);
    await this.#go(bucket, gatherRounds(replicas, replica), chunks);
    return chunks;
  }

  /** Puts into `chunks` what came. What was sent is never written to again: ZeroMQ reads it later. */
  async #go(bucket: number, rounds: readonly RingRound[], chunks: Float32Array[]): Promise<void> {
    for (const [round, { sends, receives, adds }] of rounds.entries()) {
      const [came] = await this.#options.pulse.waiting(
        Promise.all([
          this.#receive({ bucket, round }, chunks[receives]!.length),
          this.#send({ bucket, round }, chunks[sends]!),
        ]),
      );
      if (adds) addTo(came, chunks[receives]!);
      chunks[receives] = came;
    }
  }

  async #receive(place: { bucket: number; round: number }, length: number): Promise<Float32Array> {
    if (length === 0) return new Float32Array(0);
    const key = keyOf({ kind: 'reduction', ...this.#place(place) });
    const { values } = await this.#options.inlet.receive(key, this.#options.signal);
    if (!(values instanceof Float32Array) || values.length !== length)
      throw new Error(`${key} has ${values.length} values, expected ${length} of float32: the replicas are not alike`);
    return values;
  }

  async #send(place: { bucket: number; round: number }, values: Float32Array): Promise<void> {
    if (values.length === 0) return;
    const tensor = { kind: 'reduction', ...this.#place(place), shape: [values.length] } as const;
    await this.#options.outlet.send(tensor, values, this.#options.signal);
    this.#bytesSent += values.byteLength;
  }

  #place({ bucket, round }: { bucket: number; round: number }): { step: number; stage: number; microBatch: number } {
    return { step: this.#options.step, stage: bucket, microBatch: round };
  }
}

function addTo(sum: Float32Array, own: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + own[i]!;
}

function joined(chunks: readonly Float32Array[], length: number): Float32Array {
  const values = new Float32Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    values.set(chunk, offset);
    offset += chunk.length;
  }
  return values;
}
