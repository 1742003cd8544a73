import type { RandomStream } from '../../random/stream.ts';

/** How bright tissues are, as in a T1-weighted image; brain is about 1. Organs are not told from their neighbours by it. */
const BRIGHTNESS = {
  air: 0,
  skin: 0.8,
  fat: 1.4,
  muscle: 0.72,
  bone: 0.16,
  marrow: 0.95,
  greyMatter: 0.85,
  whiteMatter: 1.05,
  cerebellum: 0.92,
  fluid: 0.35,
  nerve: 0.98,
  gland: 1.02,
  vessel: 0.3,
} as const;

export type Tissue = keyof typeof BRIGHTNESS;

/** From case to case a tissue is this much brighter or darker, and all of them together. */
const SPREAD = 0.07;
const GAIN_SPREAD = 0.15;

/** What brain of usual brightness is stored as. */
export const BRAIN_VALUE = 300;

/** The brightness of every tissue in one case. */
export function drawBrightness(stream: RandomStream): Readonly<Record<Tissue, number>> {
  const gain = BRAIN_VALUE * (1 + stream.uniform(-GAIN_SPREAD, GAIN_SPREAD));
  const drawn = Object.entries(BRIGHTNESS).map(([tissue, mean]) => [
    tissue,
    gain * mean * (1 + stream.uniform(-SPREAD, SPREAD)),
  ]);
  return Object.fromEntries(drawn) as Record<Tissue, number>;
}
