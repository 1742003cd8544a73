import type { Colour } from './canvas.ts';

/** Told apart on grey, neighbours in the list most of all; class 0 has no colour. */
const FIRST: readonly Colour[] = [
  [255, 99, 71],
  [30, 190, 255],
  [255, 200, 40],
  [60, 210, 110],
  [235, 95, 235],
  [255, 150, 50],
  [120, 130, 255],
  [40, 220, 205],
  [190, 225, 70],
  [255, 140, 170],
];

/** The colour of a class from 1 on: ten by hand, then hues that are a golden angle apart. */
export function classColour(index: number): Colour {
  const chosen = FIRST[index - 1];
  if (chosen) return chosen;
  const hue = (index * 137.508) % 360;
  const channel = (shift: number): number => {
    const k = (shift + hue / 30) % 12;
    return Math.round(255 * (0.6 - 0.36 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}
