import { Packr } from 'msgpackr';
import type { RandomStream } from '../../../src/random/stream.ts';

/** What is wrong with a message that the fuzzer makes. */
export const damages = [
  'random bytes',
  'truncated',
  'extra frames',
  'too few frames',
  'changed bytes',
  'wrong type',
  'unknown field',
  'deep nesting',
  'cut-off length',
  'not a plain value',
] as const;
export type Damage = (typeof damages)[number];

/** A good message: its first frame as fields, and what follows it. */
export interface Good {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly rest: readonly Uint8Array[];
}

const packr = new Packr({ useRecords: false, moreTypes: true, structuredClone: true });
/** The bytes of anything at all, which ours refuses to make. */
export const packLoosely = (value: unknown): Uint8Array => Uint8Array.from(packr.pack(value));

/** A message with this wrong with it, or with nothing wrong where chance would have it so: whoever wants to know decodes it. */
export function damaged({ fields, rest }: Good, damage: Damage, random: RandomStream): Uint8Array[] {
  const first = packLoosely(fields);
  switch (damage) {
    case 'random bytes':
      return Array.from({ length: 1 + random.integer(3) }, () => randomBytes(random, random.integer(300)));
    case 'truncated': {
      const frames = [first, ...rest];
      const at = random.integer(frames.length);
      return frames.with(at, frames[at]!.slice(0, random.integer(frames[at]!.length)));
    }
    case 'extra frames':
      return [
        first,
        ...rest,
        ...Array.from({ length: 1 + random.integer(20) }, () => randomBytes(random, random.integer(40))),
      ];
    case 'too few frames':
      return rest.length > 0 ? [first] : [new Uint8Array(0)];
    case 'changed bytes': {
      const changed = Uint8Array.from(first);
      for (let i = 0; i <= random.integer(4); i++) changed[random.integer(changed.length)] = random.integer(256);
      return [changed, ...rest];
    }
    case 'wrong type': {
      const name = Object.keys(fields)[random.integer(Object.keys(fields).length)]!;
      return [packLoosely({ ...fields, [name]: oddities[random.integer(oddities.length)] }), ...rest];
    }
    case 'unknown field':
      return [
        packLoosely({ ...fields, [`field ${random.integer(1e6)}`]: oddities[random.integer(oddities.length)] }),
        ...rest,
      ];
    case 'deep nesting':
      return [new Uint8Array(33 + random.integer(3000)).fill(random.next() < 0.5 ? 0x91 : 0x81), ...rest];
    case 'cut-off length':
      // An array, map, text or bytes of up to 4 GiB, of which nothing comes.
      return [
        Uint8Array.of([0xdd, 0xdf, 0xdb, 0xc6][random.integer(4)]!, 0xff, 0xff, 0xff, random.integer(256)),
        ...rest,
      ];
    case 'not a plain value':
      return [packLoosely(exotic[random.integer(exotic.length)]), ...rest];
  }
}

const oddities: readonly unknown[] = [
  ...[null, true, -1, 0.5, Number.NaN, Infinity, 2 ** 60, '', 'x'.repeat(300), [], [[]], {}, { a: { b: 1 } }],
  ...[Buffer.from([1, 2, 3]), Array(100).fill(0), '__proto__', [-1, 2], [2 ** 50, 2 ** 50]],
];
const exotic: readonly unknown[] = [
  /x/,
  new Date(0),
  new Set([1]),
  new Error('x'),
  new Map([[1, 2]]),
  new Float32Array(3),
];

export const randomBytes = (random: RandomStream, length: number): Uint8Array =>
  Uint8Array.from({ length }, () => random.integer(256));
