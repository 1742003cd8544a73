import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ByteSizeError, parseByteSize } from '../../src/config/byteSize.ts';
import { loadMachineFile, MachineFileError, parseMachineFile } from '../../src/config/loadMachineFile.ts';

const examples = fileURLToPath(new URL('../../examples/machines/', import.meta.url));

const faultsOf = (text: string): readonly string[] => {
  try {
    parseMachineFile(text, 'm.yaml');
  } catch (error) {
    if (error instanceof MachineFileError) return error.faults;
    throw error;
  }
  return [];
};

const right = `
name: m
workers: [{ count: 2, device: d, flops: 1e9, bandwidth: 2GB, memory: 1 GiB }]
link: { latency_us: 5, bandwidth: 100MB }
`;

describe('the description of a machine', () => {
  test.each(readdirSync(examples))('examples/machines/%s is right', (file) => {
    expect(loadMachineFile(`${examples}${file}`).workers.length).toBeGreaterThan(0);
  });

  test('gives sizes in bytes, and what is not said', () => {
    expect(parseMachineFile(right, 'm.yaml')).toEqual({
      name: 'm',
      workers: [{ count: 2, device: 'd', flops: 1e9, bandwidth: 2e9, memory: 2 ** 30, overhead_us: 20 }],
      link: { latency_us: 5, bandwidth: 1e8 },
      links: [],
    });
  });

  test('tells every fault by its key', () => {
    expect(
      faultsOf(
        'name: m\nworkers: [{ device: d, flops: -1, bandwidth: 2GB, memory: 16 gigs }]\nlink: { latency_us: 5 }',
      ),
    ).toEqual([
      expect.stringMatching(/^workers\[0\]\.flops: /),
      expect.stringMatching(/^workers\[0\]\.memory: "16 gigs" is no size; give a number and one of B, kB/),
      expect.stringMatching(/^link\.bandwidth: /),
    ]);
    expect(faultsOf(': : :')).toEqual([expect.stringMatching(/^no YAML: /)]);
    expect(() => loadMachineFile('/no/such/file.yaml')).toThrow(
      '/no/such/file.yaml does not describe a machine: cannot be read',
    );
  });

  test('refuses links to workers that there are not', () => {
    const links = (from: number, to: number) =>
      `${right}links: [{ from: ${from}, to: ${to}, latency_us: 1, bandwidth: 1GB }]`;
    expect(faultsOf(links(0, 1))).toEqual([]);
    expect(faultsOf(links(0, 2))).toEqual([
      'links.0: 0 to 2, but the workers are 0 to 1, and a link joins two of them',
    ]);
    expect(faultsOf(links(1, 1))).toHaveLength(1);
  });
});

describe('a size', () => {
  test.each([
    ['16GB', 16e9],
    ['1.5 GiB', 1.5 * 2 ** 30],
    ['500', 500],
    ['80gb', 80e9],
    ['2 kB', 2000],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });

  test.each(['', 'GB', '16 gigs', '-1GB', '1,5GB'])('"%s" is none', (text) => {
    expect(() => parseByteSize(text)).toThrow(ByteSizeError);
  });
});
