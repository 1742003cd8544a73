/** A place in the head in mm: x to the subject's right, y forwards, z upwards, from the middle of the head. */
export type Place = readonly [x: number, y: number, z: number];

/** A body in the head. */
export interface Shape {
  /** The box that holds all of it. */
  readonly low: Place;
  readonly high: Place;
  /** Below 1 inside, 1 on the surface, 0 in the middle. */
  level(x: number, y: number, z: number): number;
}

/** Σ ((p − centre) / radius)² = 1 */
export function ellipsoid([cx, cy, cz]: Place, [rx, ry, rz]: Place): Shape {
  return {
    low: [cx - rx, cy - ry, cz - rz],
    high: [cx + rx, cy + ry, cz + rz],
    level: (x, y, z) => Math.sqrt(((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 + ((z - cz) / rz) ** 2),
  };
}

/** A place along a tube, and how thick the tube is there in mm. */
export interface Joint {
  readonly at: Place;
  readonly radius: number;
}

/** Round cones from each joint to the next. */
export function tube(joints: readonly Joint[]): Shape {
  const bones = joints.slice(1).map((to, i) => bone(joints[i]!, to));
  const extreme = (axis: 0 | 1 | 2, sign: 1 | -1): number =>
    sign * Math.max(...joints.map(({ at, radius }) => sign * at[axis] + radius));
  return {
    low: [extreme(0, -1), extreme(1, -1), extreme(2, -1)],
    high: [extreme(0, 1), extreme(1, 1), extreme(2, 1)],
    level: (x, y, z) => bones.reduce((least, level) => Math.min(least, level(x, y, z)), Infinity),
  };
}

/** The distance to the nearest point of the line between two joints, over the radius there. */
function bone({ at: [ax, ay, az], radius: ra }: Joint, { at: [bx, by, bz], radius: rb }: Joint): Shape['level'] {
  const [dx, dy, dz] = [bx - ax, by - ay, bz - az];
  const square = dx * dx + dy * dy + dz * dz || 1;
  return (x, y, z) => {
    const along = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy + (z - az) * dz) / square));
    const [px, py, pz] = [x - ax - along * dx, y - ay - along * dy, z - az - along * dz];
    return Math.sqrt(px * px + py * py + pz * pz) / (ra + along * (rb - ra));
  };
}

/** What belongs to any of several bodies. */
export function together(...parts: readonly Shape[]): Shape {
  const extreme = (end: 'low' | 'high', axis: 0 | 1 | 2): number =>
    Math[end === 'low' ? 'min' : 'max'](...parts.map((part) => part[end][axis]));
  return {
    low: [extreme('low', 0), extreme('low', 1), extreme('low', 2)],
    high: [extreme('high', 0), extreme('high', 1), extreme('high', 2)],
    level: (x, y, z) => parts.reduce((least, part) => Math.min(least, part.level(x, y, z)), Infinity),
  };
}
