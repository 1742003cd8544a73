import { basename, resolve } from 'node:path';
import { mapPaths } from '../config/dataPaths.ts';
import type { CaseSpec } from '../config/runFile.ts';

/** The files of one case, by absolute paths. */
export interface CaseFiles {
  readonly name: string;
  /** One file, or one a channel. */
  readonly images: readonly string[];
  /** A label map, or masks by structure. */
  readonly label: string | Readonly<Record<string, string>>;
}

/** A case of a run file; relative paths begin at `baseDirectory`. */
export function caseFiles(spec: CaseSpec, baseDirectory: string): CaseFiles {
  const { name, image, label } = mapPaths(spec, (path) => resolve(baseDirectory, path));
  const images = typeof image === 'string' ? [image] : image;
  return { name: name ?? nameOf(images[0]!), images, label };
}

/** Name of a file without folder and endings. */
export const nameOf = (file: string): string =>
  basename(file)
    .replace(/\.gz$/i, '')
    .replace(/\.(nii|npy)$/i, '');
