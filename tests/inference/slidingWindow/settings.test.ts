import { describe, expect, it } from 'vitest';
import { inferenceSchema } from '../../../src/config/schema/inference.ts';
import { windowsFor } from '../../../src/inference/slidingWindow/settings.ts';

const volume = [250, 200, 45] as const;

describe('windows as a run file asks for them', () => {
  it('are of that size, with one overlap for all axes or one each', () => {
    const spec = inferenceSchema.parse({ roi: [64, 64, 32], overlap: [0, 0.5, 0] });
    const { windows, importance } = windowsFor(volume, spec, { divisor: 16, spatialDims: 3 });
    expect(windows.roi).toEqual([64, 64, 32]);
    expect([...new Set(windows.starts.map(([x]) => x))]).toEqual([0, 64, 128, 186]);
    expect([...new Set(windows.starts.map(([, y]) => y))]).toEqual([0, 32, 64, 96, 128, 136]);
    expect(importance).toBeUndefined();
  });

  it('take all of an axis, padded to what the network can halve', () => {
    const spec = inferenceSchema.parse({ roi: ['whole', 'whole', 'whole'], blend: 'gaussian' });
    const { windows, importance } = windowsFor(volume, spec, { divisor: 32, spatialDims: 3 });
    expect(windows).toEqual({ size: volume, roi: [256, 224, 64], starts: [[-3, -12, -9]] });
    expect(importance?.length).toBe(256 * 224 * 64);
  });

  it('are slabs of 20 slices as COPLE-Net takes them, and slices are never padded', () => {
    const spec = inferenceSchema.parse({ roi: ['whole', 'whole', 20], overlap: 0, padding_mode: 'circular' });
    const { windows } = windowsFor(volume, spec, { divisor: 32, spatialDims: 2 });
    expect(windows.roi).toEqual([256, 224, 20]);
    expect(windows.starts.map(([, , z]) => z)).toEqual([0, 20, 25]);
    const whole = windowsFor(volume, { ...spec, roi: ['whole', 'whole', 'whole'] }, { divisor: 32, spatialDims: 2 });
    expect(whole.windows.roi).toEqual([256, 224, 45]);
  });
});
