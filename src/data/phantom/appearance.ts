import type { RandomStream } from '../../random/stream.ts';
import type { Volume } from '../volume.ts';

type Size = Volume['size'];

/** A voxel sees a little of its neighbours: (1, 2, 1) / 4 along every axis, the border's own value beyond it; in place. */
export function blurVoxels(values: Float32Array, size: Size): void {
  let stride = 1;
  for (const length of size) {
    const line = new Float32Array(length);
    const block = stride * length;
    for (let start = 0; start < values.length; start += block)
      for (let offset = start; offset < start + stride; offset++) {
        for (let i = 0; i < length; i++) line[i] = values[offset + i * stride]!;
        for (let i = 0; i < length; i++) {
          const [before, after] = [line[Math.max(0, i - 1)]!, line[Math.min(length - 1, i + 1)]!];
          values[offset + i * stride] = (before + 2 * line[i]! + after) / 4;
        }
      }
    stride = block;
  }
}

/** Coils see what is near to them brighter: every voxel times a smooth factor of 1 ± strength; in place. */
export function applyBiasField(values: Float32Array, size: Size, stream: RandomStream, strength: number): void {
  const waves = Array.from({ length: 3 }, () => ({
    // Half a wave to a whole one over the image.
    along: size.map((length) => (stream.uniform(0.4, 1) * (stream.next() < 0.5 ? -1 : 1) * 2 * Math.PI) / length),
    phase: stream.uniform(0, 2 * Math.PI),
  }));
  const [nx, ny, nz] = size;
  for (let z = 0, i = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, i++) {
        let sum = 0;
        for (const { along, phase } of waves) sum += Math.sin(along[0]! * x + along[1]! * y + along[2]! * z + phase);
        values[i]! *= 1 + (strength * sum) / waves.length;
      }
}

/** Noise of an image of magnitudes, √((v + n₁)² + n₂²) with normal n of this deviation (Rician); in place. */
export function addNoise(values: Float32Array, stream: RandomStream, deviation: number): void {
  if (deviation === 0) return;
  for (let i = 0; i < values.length; i++)
    values[i] = Math.hypot(values[i]! + deviation * stream.normal(), deviation * stream.normal());
}
