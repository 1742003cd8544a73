import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  readSafetensors,
  SafetensorsFile,
  writeSafetensors,
  type HostTensor,
} from '../../src/checkpoint/safetensors.ts';
import { SafetensorsError } from '../../src/checkpoint/safetensorsError.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamp-safetensors-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A file with any header text and data. */
const craft = async (header: string, data = new Uint8Array(0), length?: bigint): Promise<string> => {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  const path = join(folder, 'crafted.safetensors');
  await writeFile(path, bytes);
  return path;
};

const example = (): Map<string, HostTensor> =>
  new Map<string, HostTensor>([
    ['bytes', { shape: [3], values: Uint8Array.of(1, 2, 255) }],
    ['weight', { shape: [2, 2], values: Float32Array.of(1.5, -0, Number.NaN, 3e38) }],
    ['exact', { shape: [], values: Float64Array.of(Math.PI) }],
    ['whole', { shape: [1, 2], values: Int32Array.of(-7, 8) }],
    ['step', { shape: [1], values: BigInt64Array.of(-(2n ** 60n)) }],
    ['empty', { shape: [0, 4], values: new Float32Array(0) }],
  ]);

describe('a round trip', () => {
  test('keeps shapes, values and metadata', async () => {
    const path = join(folder, 'round.safetensors');
    await writeSafetensors(path, example(), { note: 'Grüße' });
    const { metadata, tensors } = await readSafetensors(path);
    expect(metadata.get('note')).toBe('Grüße');
    expect(tensors.size).toBe(6);
    for (const [name, { shape, values }] of example()) expect(tensors.get(name)).toMatchObject({ shape, values });
  });

  test('reads a single tensor that starts at an odd offset', async () => {
    const values = new Uint8Array(new Float32Array([2.5, -1]).buffer);
    const header =
      '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}';
    const file = await SafetensorsFile.open(await craft(header, Uint8Array.of(9, ...values)));
    expect((await file.read('b')).values).toEqual(Float32Array.of(2.5, -1));
    await expect(file.read('c')).rejects.toThrow(/has no tensor c/);
    await file.close();
  });

  test('widens half precision', async () => {
    const header =
      '{"h":{"dtype":"F16","shape":[5],"data_offsets":[0,10]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[10,12]}}';
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00, 0x3555, 0x4049);
    const { tensors } = await readSafetensors(await craft(header, new Uint8Array(bits.buffer)));
    const [one, minusTwo, tiny, infinite, third] = tensors.get('h')!.values as Float32Array;
    expect([one, minusTwo, tiny, infinite]).toEqual([1, -2, 2 ** -24, Number.POSITIVE_INFINITY]);
    expect(third).toBeCloseTo(1 / 3, 3);
    expect((tensors.get('b')!.values as Float32Array)[0]).toBeCloseTo(Math.PI, 2);
  });

  test('leaves the old file and no temporary one when writing fails', async () => {
    const own = await mkdtemp(join(folder, 'atomic-'));
    const path = join(own, 'a.safetensors');
    await writeSafetensors(path, example());
    const before = await readFile(path);
    await expect(
      writeSafetensors(path, new Map([['a', { shape: [3], values: Float32Array.of(1, 2) }]])),
    ).rejects.toThrow(/tensor a of shape \[3\] has 2 values/);
    await expect(writeSafetensors(join(own, 'none', 'a'), example())).rejects.toThrow(/ENOENT/);
    expect(await readFile(path)).toEqual(before);
    expect(await readdir(own)).toEqual(['a.safetensors']);
  });
});

describe('a file that lies', () => {
  const faults: [title: string, header: string, data: number, message: RegExp][] = [
    ['is no JSON', '{"a":', 0, /not JSON/],
    ['is no object', '[1]', 0, /not a JSON object/],
    ['has an unknown dtype', '{"a":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}}', 1, /tensor a has dtype "F8"/],
    ['has a negative size', '{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}', 1, /shape \[-1\]/],
    ['has a fractional size', '{"a":{"dtype":"U8","shape":[0.5],"data_offsets":[0,1]}}', 1, /whole numbers/],
    ['has a huge shape', '{"a":{"dtype":"U8","shape":[1e15,1e15],"data_offsets":[0,1]}}', 1, /larger than any file/],
    ['has one offset', '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}', 1, /not two whole numbers/],
    ['has offsets of another size', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,1]}}', 1, /takes 4 bytes/],
    ['ends after its data', '{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}', 5, /is cut off: tensor a/],
    ['has data of no tensor', '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 3, /belong to none/],
    ['has a hole', '{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', 2, /after a hole/],
    [
      'has an overlap',
      '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
      3,
      /b starts at byte 1 of the data, inside another/,
    ],
    [
      'has a tensor twice',
      '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0061":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
      1,
      /names a twice/,
    ],
    ['has metadata that are no strings', '{"__metadata__":{"a":1}}', 0, /__metadata__ entry a is not a string/],
    ['has a description that is no object', '{"a":[1]}', 0, /tensor a is not described/],
  ];
  test.each(faults)('%s: is refused by name', async (_title, header, data, message) => {
    const path = await craft(header, new Uint8Array(data));
    const error = await readSafetensors(path).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(SafetensorsError);
    expect(error).toMatchObject({ file: path, message: expect.stringMatching(message) as string });
  });

  test('about the length of its header is refused', async () => {
    await expect(readSafetensors(await craft('{}', undefined, 3n))).rejects.toThrow(/header should have 3 bytes, 2/);
    await expect(readSafetensors(await craft('{}', undefined, 2n ** 63n))).rejects.toThrow(/at most 100000000/);
    const path = join(folder, 'short.safetensors');
    await writeFile(path, 'abc');
    await expect(readSafetensors(path)).rejects.toThrow(/3 bytes are too few/);
  });

  test('about being a file is refused', async () => {
    await expect(readSafetensors(join(folder, 'absent'))).rejects.toThrow(SafetensorsError);
    await expect(readSafetensors(folder)).rejects.toThrow(SafetensorsError);
  });

  test('in any byte either reads or is refused by name', async () => {
    const path = join(folder, 'fuzz.safetensors');
    await writeSafetensors(path, example(), { note: 'x' });
    const good = await readFile(path);
    const mutation = fc.record({
      at: fc.nat(good.length - 1),
      value: fc.integer({ min: 0, max: 255 }),
      keep: fc.oneof({ weight: 3, arbitrary: fc.constant(good.length) }, fc.nat(good.length)),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
        const bytes = Buffer.from(good);
        for (const { at, value } of mutations) bytes[at] = value;
        await writeFile(path, bytes.subarray(0, Math.min(...mutations.map(({ keep }) => keep))));
        const outcome = await readSafetensors(path).catch((error: unknown) => error);
        return outcome instanceof SafetensorsError || !(outcome instanceof Error);
      }),
      { numRuns: 500, seed: 3 },
    );
  });
});
