/**
 * The outline of head and neck, slice by slice: half an ellipse to the front and half a one to the back of y = MIDDLE.
 * In mm: height, half width, depth to the front, depth to the back.
 */
const PROFILE = [
  [104, 2, 2, 2],
  [98, 26, 34, 30],
  [88, 46, 62, 56],
  [72, 62, 84, 76],
  [48, 72, 97, 87],
  [24, 75, 101, 89],
  [6, 75, 101, 86],
  [-8, 75, 104, 78],
  [-24, 74, 103, 70],
  [-44, 71, 100, 62],
  [-62, 66, 94, 57],
  [-76, 60, 80, 55],
  [-88, 56, 52, 54],
  [-106, 57, 44, 56],
  [-160, 62, 46, 60],
] as const;

const CROWN = PROFILE[0][0];
const MIDDLE = -8;

/** A little squarer than an ellipse, as foreheads and jaws are. */
const POWER = 2.3;

/** How deep a place lies under the skin in mm, roughly: negative outside of the head. */
export function depthUnderSkin(x: number, y: number, z: number): number {
  if (z >= CROWN) return CROWN - z;
  let row = 1;
  while (row + 1 < PROFILE.length && z < PROFILE[row]![0]) row++;
  const [above, below] = [PROFILE[row - 1]!, PROFILE[row]!];
  const t = Math.max(0, (z - below[0]) / (above[0] - below[0]));
  const side = y > MIDDLE ? 2 : 3;
  const width = below[1] + t * (above[1] - below[1]);
  const depth = below[side] + t * (above[side] - below[side]);
  const radius = ((Math.abs(x) / width) ** POWER + (Math.abs(y - MIDDLE) / depth) ** POWER) ** (1 / POWER);
  return Math.min((1 - radius) * Math.min(width, depth), CROWN - z);
}
