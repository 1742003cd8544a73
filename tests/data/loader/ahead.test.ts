import { describe, expect, it } from 'vitest';
import { Ahead } from '../../../src/data/loader/ahead.ts';
import type { Batch, Feed } from '../../../src/data/loader/feed.ts';
import type { Source } from '../../../src/transport/protocol.ts';

/** A feed that notes what it is asked for. */
function noting(): { feed: Feed; asked: number[] } {
  const asked: number[] = [];
  const batch = async (source: Source): Promise<Batch> => {
    const step = source.kind === 'replay' ? source.step : -1;
    asked.push(step);
    if (step === 13) throw new Error('bad luck');
    return [{ shape: [step], image: Float32Array.of(step) }];
  };
  return { feed: { batch, close: async () => {} }, asked };
}

const replay = (step: number): Source => ({ kind: 'replay', step });
const steps = (...all: number[]): Source[] => all.map(replay);

describe('mini-batches made ahead', () => {
  it('are made once, in the order in which they will be asked for', async () => {
    const { feed, asked } = noting();
    const ahead = new Ahead(feed);
    for (let step = 0; step < 6; step++) {
      const [sample] = await ahead.take(replay(step), steps(step + 1, step + 2)).batch;
      expect(sample!.image[0]).toBe(step);
      expect(ahead.size).toBe(2);
    }
    expect(asked).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('stay while something else is asked for between', async () => {
    const { feed, asked } = noting();
    const ahead = new Ahead(feed);
    await ahead.take(replay(0), steps(1, 2)).batch;
    await ahead.take({ kind: 'validation', case: 0 }).batch;
    await ahead.take(replay(1), steps(2)).batch;
    expect(asked).toEqual([0, 1, 2, -1]);
  });

  it('are forgotten where the run goes another way', async () => {
    const { feed } = noting();
    const ahead = new Ahead(feed);
    await ahead.take(replay(0), steps(1, 2, 3)).batch;
    await ahead.take(replay(10), steps(11)).batch;
    expect(ahead.size).toBe(1);
  });

  it('are given again where they will be asked for again', async () => {
    const { feed, asked } = noting();
    const ahead = new Ahead(feed);
    await ahead.take(replay(0), steps(0, 1)).batch;
    await ahead.take(replay(0), steps(1)).batch;
    expect(asked).toEqual([0, 1]);
    expect(ahead.size).toBe(1);
  });

  it('that fail are told to whoever asks for them, and to nobody else', async () => {
    const { feed } = noting();
    const ahead = new Ahead(feed);
    await ahead.take(replay(0), steps(13)).batch;
    await expect(ahead.take(replay(13)).batch).rejects.toThrow('bad luck');
  });
});
