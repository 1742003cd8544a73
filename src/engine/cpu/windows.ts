import type { Shape } from '../tensor.ts';

/** Where a kernel meets an input: sizes padded to three spatial axes, so that 2D is 3D of depth one. */
export interface Windows {
  readonly batch: number;
  readonly input: readonly [number, number, number];
  readonly output: readonly [number, number, number];
  readonly kernel: readonly [number, number, number];
  readonly strides: readonly [number, number, number];
  readonly dilations: readonly [number, number, number];
  readonly before: readonly [number, number, number];
}

/** Two or three spatial entries as three. */
export const asThree = (values: Shape, fill: number): [number, number, number] =>
  values.length === 3 ? [values[0]!, values[1]!, values[2]!] : [fill, values[0]!, values[1]!];

/** Calls `meet` for each voxel under each tap of each window: indices of the input voxel, the output voxel and the tap. */
export function forEachMeeting(w: Windows, meet: (input: number, output: number, tap: number) => void): void {
  const [inD, inH, inW] = w.input;
  const [outD, outH, outW] = w.output;
  const [kD, kH, kW] = w.kernel;
  let output = 0;
  for (let n = 0; n < w.batch; n++)
    for (let oz = 0; oz < outD; oz++)
      for (let oy = 0; oy < outH; oy++)
        for (let ox = 0; ox < outW; ox++, output++)
          for (let kz = 0; kz < kD; kz++) {
            const z = oz * w.strides[0] + kz * w.dilations[0] - w.before[0];
            if (z < 0 || z >= inD) continue;
            for (let ky = 0; ky < kH; ky++) {
              const y = oy * w.strides[1] + ky * w.dilations[1] - w.before[1];
              if (y < 0 || y >= inH) continue;
              for (let kx = 0; kx < kW; kx++) {
                const x = ox * w.strides[2] + kx * w.dilations[2] - w.before[2];
                if (x < 0 || x >= inW) continue;
                meet(((n * inD + z) * inH + y) * inW + x, output, (kz * kH + ky) * kW + kx);
              }
            }
          }
}
