import type { Body } from './organs.ts';
import { depthUnderSkin } from './outline.ts';
import { ellipsoid, tube, type Shape } from './shapes.ts';
import type { Tissue } from './tissues.ts';
import type { Variation } from './variation.ts';

/** What lies in front of organs: an optic nerve ends at the eye. */
export function drawEyes(vary: Variation): readonly Body[] {
  return [-1, 1].flatMap((side): Body[] => {
    const middle = vary.near([side * 31, 70, 4], 1);
    return [
      { tissue: 'muscle', shape: ellipsoid([middle[0], middle[1] + 9, middle[2]], [5, 2.5, 5]) },
      { tissue: 'fluid', shape: ellipsoid(middle, vary.radii([12, 12, 12], 0.05)) },
    ];
  });
}

/** What lies around the organs, the bodies in front first; some look as an organ does and are none. */
export function drawSurroundings(vary: Variation): readonly Body[] {
  return [...airways(vary), ...skeleton(vary), ...twins(vary), ...softParts(vary)];
}

function airways(vary: Variation): readonly Body[] {
  const throat = [
    { at: [0, 30, -16], radius: 7 },
    { at: [0, 14, -34], radius: 7 },
    { at: [0, 10, -66], radius: 7 },
    { at: [0, 14, -150], radius: 8 },
  ] as const;
  return [
    { tissue: 'air', shape: tube(vary.joints(throat, 1.5, 0.15)) },
    ...[-1, 1].flatMap((side): Body[] => [
      { tissue: 'air', shape: ellipsoid(vary.near([side * 8, 58, -10], 1), vary.radii([5, 26, 13], 0.15)) },
      { tissue: 'air', shape: ellipsoid(vary.near([side * 29, 62, -19], 1.5), vary.radii([11, 13, 11], 0.2)) },
      { tissue: 'air', shape: ellipsoid(vary.near([side * 60, -14, -4], 1.5), vary.radii([5, 4, 7], 0.2)) },
    ]),
  ];
}

/** Spine with the cord in it, and the upper jaw, which looks as the lower one does. */
function skeleton(vary: Variation): readonly Body[] {
  const jaw = [-1, 1].map((side) => [
    { at: [side * 33, 40, -36], radius: 6 },
    { at: [side * 27, 62, -37], radius: 6 },
    { at: [side * 10, 75, -37], radius: 6 },
  ]) as unknown as readonly (readonly { at: readonly [number, number, number]; radius: number }[])[];
  const vertebrae = Array.from({ length: 5 }, (_, i): Body => {
    const middle = vary.near([0, -17, -52 - 20 * i], 1);
    return {
      tissue: 'bone',
      core: { tissue: 'marrow', level: 0.8 },
      shape: ellipsoid(middle, vary.radii([15, 11, 9], 0.06)),
    };
  });
  const arch = tube([
    { at: [0, -42, -48], radius: 19 },
    { at: [0, -42, -150], radius: 19 },
  ]);
  const canal = tube([
    { at: [0, -35, -30], radius: 11 },
    { at: [0, -38, -150], radius: 11 },
  ]);
  const cord = tube([
    { at: [0, -30, -34], radius: 7.5 },
    { at: [0, -37, -60], radius: 7 },
    { at: [0, -38, -150], radius: 7 },
  ]);
  return [
    { tissue: 'whiteMatter', shape: cord },
    { tissue: 'fluid', shape: canal },
    ...vertebrae,
    { tissue: 'bone', core: { tissue: 'muscle', level: 0.75 }, shape: arch },
    {
      tissue: 'bone',
      core: { tissue: 'marrow', level: 0.55 },
      shape: tube(vary.joints([...jaw[0]!, ...jaw[1]!.toReversed()], 1, 0.1)),
    },
  ];
}

/** Lymph nodes and the thyroid are as bright as the glands that are looked for. */
function twins(vary: Variation): readonly Body[] {
  const gland = (shape: Shape): Body => ({ tissue: 'gland', shape });
  return [-1, 1].flatMap((side) => [
    gland(ellipsoid(vary.near([side * 42, -14, -72], 4), vary.radii([8, 10, 11], 0.3))),
    gland(ellipsoid(vary.near([side * 18, 14, -97], 2), vary.radii([8, 10, 12], 0.2))),
    gland(ellipsoid(vary.near([side * 40, 56, -42], 3), vary.radii([8, 11, 8], 0.3))),
    {
      tissue: 'vessel',
      shape: tube(
        vary.joints(
          [
            { at: [side * 30, -2, -16], radius: 4 },
            { at: [side * 28, 2, -150], radius: 4.5 },
          ],
          2,
          0.15,
        ),
      ),
    },
  ]);
}

function softParts(vary: Variation): readonly Body[] {
  const sides = [-1, 1].flatMap((side): Body[] => [
    { tissue: 'fat', shape: ellipsoid(vary.near([side * 27, 56, 5], 1), vary.radii([15, 24, 14], 0.08)) },
    { tissue: 'fluid', shape: ellipsoid(vary.near([side * 11, 2, 46], 1.5), vary.radii([5, 24, 9], 0.25)) },
    { tissue: 'cerebellum', shape: ellipsoid(vary.near([side * 22, -52, -6], 1.5), vary.radii([28, 26, 20], 0.06)) },
    { tissue: 'muscle', shape: ellipsoid(vary.near([side * 60, 26, -36], 2), vary.radii([8, 14, 22], 0.12)) },
    { tissue: 'fat', shape: ellipsoid(vary.near([side * 50, 46, -34], 2), vary.radii([10, 16, 12], 0.2)) },
  ]);
  return [
    { tissue: 'muscle', shape: ellipsoid(vary.near([0, 44, -48], 2), vary.radii([25, 30, 15], 0.08)) },
    ...sides,
    { tissue: 'fat', shape: ellipsoid(vary.near([0, 30, -84], 2), vary.radii([34, 30, 8], 0.1)) },
  ];
}

const SKIN = 2;
const SKULL = { from: 7, to: 13 } as const;

/** The tissue of a place that no body takes, by its depth under the skin. */
export function tissueAt(x: number, y: number, z: number, depth: number): Tissue {
  if (depth < 0) return 'air';
  if (depth < SKIN) return 'skin';
  if (depth < SKULL.from) return 'fat';
  const above = z - floorOfBrain(y);
  if (above < -5) return 'muscle';
  if (above < 0 || depth < SKULL.to) return 'bone';
  if (depth < SKULL.to + 2) return 'fluid';
  // The grey matter's folds.
  const fold = 5 * Math.sin(x / 6) * Math.sin(y / 7 + 1) + 4 * Math.sin(z / 5 + x / 11);
  return depth < SKULL.to + 9 + fold ? 'greyMatter' : 'whiteMatter';
}

/** The base of the skull rises from behind to the front. */
const floorOfBrain = (y: number): number => (y > 30 ? 17 : y < -15 ? -24 : -24 + ((y + 15) / 45) * 41);

/** Whether a place lies in the nose, which stands out from the outline. */
export const depthWithNose = (x: number, y: number, z: number): number => {
  const nose = 1 - Math.hypot(x / 12, (y - 93) / 18, (z + 12) / 18);
  return Math.max(depthUnderSkin(x, y, z), 12 * nose);
};
