import { DataError } from './dataError.ts';
import type { Volume } from './volume.ts';

export interface MaskOptions {
  /** Names of the classes, background first. */
  readonly classes: readonly string[];
  readonly missing_structures?: 'unannotated' | 'background';
}

/**
 * One label map from a mask a structure; where masks overlap the later class has the voxel. A structure without a mask is not
 * annotated, and nor then is the background, which may hold it (AnatomyNet, Zhu et al. 2019): unless missing structures are
 * said to be background.
 */
export async function mergeMasks(
  masks: Readonly<Record<string, string>>,
  read: (file: string) => Promise<Volume>,
  image: Volume,
  { classes, missing_structures: missing = 'unannotated' }: MaskOptions,
): Promise<{ labels: Volume<Uint8Array>; annotated: readonly boolean[] }> {
  const values = new Uint8Array(image.size[0] * image.size[1] * image.size[2]);
  for (const [index, name] of classes.entries()) {
    const file = index === 0 ? undefined : masks[name];
    if (file === undefined) continue;
    const { values: mask } = await read(file);
    for (let i = 0; i < values.length; i++) {
      const value = mask[i]!;
      if (value !== 0 && value !== 1)
        throw new DataError(file, `the mask of ${name} holds ${value}`, 'A mask holds 0 and 1 only');
      if (value === 1) values[i] = index;
    }
  }
  const has = (name: string): boolean => masks[name] !== undefined || missing === 'background';
  const complete = classes.slice(1).every(has);
  const annotated = classes.map((name, index) => (index === 0 ? complete : has(name)));
  return { labels: { size: image.size, channels: 1, affine: image.affine, values }, annotated };
}
