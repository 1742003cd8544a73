/** What has a place in time. */
interface Timed {
  readonly time: number;
}

interface Head<T> {
  readonly source: AsyncIterator<T>;
  readonly value: T;
}

/**
 * Merges streams by time, one element of each in memory at a time. Elements of one stream keep their order, also where the
 * clock went back between them; of equal times, those of the stream that is named first come first.
 */
export async function* mergeByTime<T extends Timed>(streams: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const sources = streams.map((stream) => stream[Symbol.asyncIterator]());
  const heads: (Head<T> | undefined)[] = [];
  try {
    for (const source of sources) heads.push(await headOf(source));
    for (;;) {
      const first = earliest(heads);
      if (first === undefined) return;
      const { source, value } = heads[first]!;
      yield value;
      heads[first] = await headOf(source);
    }
  } finally {
    for (const source of sources) await source.return?.();
  }
}

async function headOf<T>(source: AsyncIterator<T>): Promise<Head<T> | undefined> {
  const { done, value } = await source.next();
  return done === true ? undefined : { source, value };
}

function earliest<T extends Timed>(heads: readonly (Head<T> | undefined)[]): number | undefined {
  let first: number | undefined;
  heads.forEach((head, i) => {
    if (head && (first === undefined || head.value.time < heads[first]!.value.time)) first = i;
  });
  return first;
}
