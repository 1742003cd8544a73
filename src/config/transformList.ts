import type { TransformSpec } from './runFile.ts';

/** A transform of a run file that is no list itself. */
export type TransformStep = Exclude<TransformSpec, { name: 'Compose' }>;

/** Whether a transform is drawn anew for every sample. */
export const isRandom = ({ name }: TransformStep): boolean => name.startsWith('Rand');

/** The steps of a list in order, those of a Compose in its place; each with its own place, such as `2` or `2.0`. */
export function transformSteps(
  specs: readonly TransformSpec[],
): readonly { readonly step: TransformStep; readonly place: string; readonly key: string }[] {
  return specs.flatMap((spec, i) => {
    const key = `data.transforms[${i}]`;
    if (spec.name !== 'Compose') return [{ step: spec, place: `${i}`, key }];
    return spec.transforms.map((step, j) => ({ step, place: `${i}.${j}`, key: `${key}.transforms[${j}]` }));
  });
}
