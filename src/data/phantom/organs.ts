import { ellipsoid, together, tube, type Joint, type Place, type Shape } from './shapes.ts';
import type { PhantomClass } from './structures.ts';
import type { Tissue } from './tissues.ts';
import type { Variation } from './variation.ts';

/** A body of one tissue; of two that overlap the earlier one has the place. */
export interface Body {
  readonly shape: Shape;
  readonly tissue: Tissue;
  /** Marrow, where a bone has any: of the level up to which it goes. */
  readonly core?: { readonly tissue: Tissue; readonly level: number };
  readonly organ?: Exclude<PhantomClass, 'background'>;
}

const joint = (at: Place, radius: number): Joint => ({ at, radius });

/** The nine organs of one case. Left and right are drawn each for itself; the subject's left has the negative x. */
export function drawOrgans(vary: Variation): readonly Body[] {
  return [
    { organ: 'Chiasm', tissue: 'nerve', shape: chiasm(vary) },
    { organ: 'OpticNerve_L', tissue: 'nerve', shape: opticNerve(vary, -1) },
    { organ: 'OpticNerve_R', tissue: 'nerve', shape: opticNerve(vary, 1) },
    { organ: 'BrainStem', tissue: 'whiteMatter', shape: brainStem(vary) },
    { organ: 'Mandible', tissue: 'bone', core: { tissue: 'marrow', level: 0.55 }, shape: mandible(vary) },
    { organ: 'Submandibular_L', tissue: 'gland', shape: submandibular(vary, -1) },
    { organ: 'Submandibular_R', tissue: 'gland', shape: submandibular(vary, 1) },
    { organ: 'Parotid_L', tissue: 'gland', shape: parotid(vary, -1) },
    { organ: 'Parotid_R', tissue: 'gland', shape: parotid(vary, 1) },
  ];
}

/** Flat, with two short arms backwards; the nerves begin at its front corners. */
function chiasm(vary: Variation): Shape {
  const arm = (side: number): Shape =>
    tube(vary.joints([joint([side * 4, 12, 16], 4), joint([side * 13, 3, 18], 3.5)], 0.8, 0.1));
  return together(ellipsoid(vary.near([0, 14, 16], 0.8), vary.radii([9, 6.5, 5], 0.12)), arm(-1), arm(1));
}

/** From the chiasm through the orbit's fat to the eye. */
function opticNerve(vary: Variation, side: number): Shape {
  return tube(
    vary.joints(
      [
        joint([side * 7, 18, 15], 4),
        joint([side * 17, 36, 9], 4),
        joint([side * 25, 50, 5], 4.2),
        joint([side * 30, 62, 4], 4.2),
      ],
      1.2,
      0.12,
    ),
  );
}

/** Midbrain, pons and medulla; it goes on into the spinal cord, and only its height says where it ends. */
function brainStem(vary: Variation): Shape {
  const stem = [joint([0, -15, 20], 13), joint([0, -20, -2], 14), joint([0, -30, -34], 9.5)];
  return together(
    tube(vary.joints(stem, 1.5, 0.1)),
    ellipsoid(vary.near([0, -13, -2], 1), vary.radii([16, 12, 13], 0.1)),
  );
}

/** A horseshoe with a ramus at either end. */
function mandible(vary: Variation): Shape {
  const [wide, long] = [vary.factor(0.05), vary.factor(0.05)];
  const at = (x: number, y: number, z: number, radius: number): Joint =>
    joint([x * wide, 12 + (y - 12) * long, z], radius);
  const half = (side: number): readonly Joint[] => [
    at(side * 51, 13, -12, 5.5),
    at(side * 51, 10, -30, 7),
    at(side * 48, 14, -52, 8),
    at(side * 38, 42, -61, 8),
    at(side * 22, 66, -65, 8),
  ];
  return tube(vary.joints([...half(-1), at(0, 74, -66, 8.5), ...half(1).toReversed()], 1.2, 0.08));
}

/** Below the jaw, against its inner side. */
function submandibular(vary: Variation, side: number): Shape {
  return ellipsoid(vary.near([side * 33, 27, -64], 2.5), vary.radii([11, 15, 9.5], 0.15));
}

/** Around the back of the ramus, with a tail downwards. */
function parotid(vary: Variation, side: number): Shape {
  return together(
    ellipsoid(vary.near([side * 58, 4, -26], 2), vary.radii([10, 19, 20], 0.14)),
    ellipsoid(vary.near([side * 55, -3, -44], 2), vary.radii([10, 12, 14], 0.14)),
  );
}
