import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeMakeup, gpuModels } from '../../src/engine/versions.ts';

test('names the GPUs that the driver lists, and none without a driver', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gpus-'));
  try {
    mkdirSync(join(folder, '0000:01:00.0'));
    writeFileSync(join(folder, '0000:01:00.0', 'information'), 'Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   1\n');
    expect(gpuModels(folder)).toEqual(['NVIDIA H100 80GB HBM3']);
    expect(gpuModels(join(folder, 'none'))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('names the processor where no GPU computes', () => {
  const versions = describeMakeup({ tfjs: '4.22.0', tensorflow: '2.21.0', usesGpu: false }, undefined);
  expect(versions).toMatchObject({ tfjs: '4.22.0', tensorflow: '2.21.0' });
  expect(versions.device.length).toBeGreaterThan(0);
});
