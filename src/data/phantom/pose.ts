import type { RandomStream } from '../../random/stream.ts';
import type { Place } from './shapes.ts';

/** How one subject lies and is built. */
const LARGEST_TURN = 8;
const LARGEST_SHIFT = 4;
const SCALE = [0.9, 1.0] as const;

/** The waves that bend the anatomy: their number along each axis, their length and their height in mm. */
const WAVES = 4;
const LENGTH = [90, 180] as const;
const HEIGHT = 1.4;

interface Wave {
  readonly direction: Place;
  readonly phase: number;
  readonly shift: Place;
}

/** From a place of the image to the place of the usual head that is seen there. */
export type Pose = (x: number, y: number, z: number, out: Float64Array) => void;

/** q = Rᵀ(p − t) / s + Σ aₖ sin(dₖ · p + φₖ): a turn, a shift, a size and a smooth bend. */
export function drawPose(stream: RandomStream): Pose {
  const angle = (): number => (stream.uniform(-LARGEST_TURN, LARGEST_TURN) * Math.PI) / 180;
  const rows = turn(angle(), angle(), angle());
  const shift = [0, 1, 2].map(() => stream.uniform(-LARGEST_SHIFT, LARGEST_SHIFT));
  const scale = stream.uniform(...SCALE);
  const waves = Array.from({ length: WAVES }, () => drawWave(stream));
  return (x, y, z, out) => {
    const [dx, dy, dz] = [(x - shift[0]!) / scale, (y - shift[1]!) / scale, (z - shift[2]!) / scale];
    for (let axis = 0; axis < 3; axis++) {
      const row = rows[axis]!;
      out[axis] = row[0] * dx + row[1] * dy + row[2] * dz;
    }
    for (const { direction, phase, shift: height } of waves) {
      const wave = Math.sin(direction[0] * x + direction[1] * y + direction[2] * z + phase);
      out[0]! += height[0] * wave;
      out[1]! += height[1] * wave;
      out[2]! += height[2] * wave;
    }
  };
}

function drawWave(stream: RandomStream): Wave {
  const [x, y, z] = [stream.normal(), stream.normal(), stream.normal()];
  const frequency = (2 * Math.PI) / stream.uniform(...LENGTH) / (Math.hypot(x, y, z) || 1);
  const height = (): number => stream.uniform(-HEIGHT, HEIGHT);
  return {
    direction: [x * frequency, y * frequency, z * frequency],
    phase: stream.uniform(0, 2 * Math.PI),
    shift: [height(), height(), height()],
  };
}

function turn(a: number, b: number, c: number): readonly Place[] {
  const [ca, sa, cb, sb, cc, sc] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b), Math.cos(c), Math.sin(c)];
  return [
    [cc * cb, cc * sb * sa - sc * ca, cc * sb * ca + sc * sa],
    [sc * cb, sc * sb * sa + cc * ca, sc * sb * ca - cc * sa],
    [-sb, cb * sa, cb * ca],
  ];
}
