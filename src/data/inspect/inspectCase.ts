import { createHash } from 'node:crypto';
import { closestAxes, spacingOf } from '../affine.ts';
import type { CaseFiles } from '../caseFiles.ts';
import { DataError } from '../dataError.ts';
import { checkGrid, checkLabelGrid, type Grid, type Placed } from '../dataset.ts';
import { NiftiError } from '../nifti/niftiError.ts';
import { NpyError } from '../npy/npyError.ts';
import { readVolume } from '../readVolume.ts';
import type { Affine, Volume } from '../volume.ts';
import type { Expectation, InspectedCase, InspectedImage, Problem } from './inspection.ts';
import { intensitiesOf, type Intensities } from './intensities.ts';
import { countLabels, type LabelCounts } from './labelCounts.ts';

/** A case without what it is called, and a digest of its image's voxels. */
export interface CaseFindings extends Omit<InspectedCase, 'name' | 'set'> {
  readonly digest: string | undefined;
}

/** Reads the files of a case one after the other, each volume being let go of before the next, and gathers all that is wrong. */
export async function inspectCase(files: CaseFiles, expectation: Expectation): Promise<CaseFindings> {
  const problems: Problem[] = [];
  const { image, grid, digest } = await inspectImage(files.images, expectation, problems);
  const placed = grid && { file: files.images[0]!, volume: grid };
  const labels = await inspectLabels(files, placed, expectation, problems);
  const { names } = expectation.labels;
  const masks = files.label;
  const unannotated = typeof masks === 'string' ? [] : names.slice(1).filter((name) => masks[name] === undefined);
  return { image, labels, unannotated, problems, digest };
}

const error = (place: string, problem: string, remedy: string): Problem => ({
  ...{ severity: 'error', place, problem, remedy },
});

const warning = (place: string, problem: string, remedy: string): Problem => ({
  ...{ severity: 'warning', place, problem, remedy },
});

/** What `read` gives, or undefined where the file is at fault, which is noted. */
async function noting<T>(problems: Problem[], read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (reason) {
    const known = reason instanceof DataError || reason instanceof NiftiError || reason instanceof NpyError;
    if (!known) throw reason;
    const { file, remedy } = reason;
    problems.push(error(file, reason.message.slice(`${file}: `.length, -`. ${remedy}`.length), remedy));
    return undefined;
  }
}

interface ImagePart extends Grid {
  readonly intensities: readonly Intensities[];
}

async function inspectImage(
  files: readonly string[],
  expectation: Expectation,
  problems: Problem[],
): Promise<{ image: InspectedImage | undefined; grid: Grid | undefined; digest: string | undefined }> {
  const hash = createHash('sha256');
  const parts: ImagePart[] = [];
  for (const file of files) {
    const part = await noting(problems, () => inspectPart(file, expectation, hash));
    if (!part) continue;
    part.intensities.forEach((figures, channel) => checkValues(file, part, channel, figures, problems));
    const first = parts[0];
    if (first)
      await noting(problems, async () => checkGrid({ file, volume: part }, { file: files[0]!, volume: first }));
    parts.push(part);
  }
  const [first] = parts;
  if (!first) return { image: undefined, grid: undefined, digest: undefined };
  const intensities = parts.flatMap((part) => part.intensities);
  const { size, affine } = first;
  const channels = intensities.length;
  const whole = parts.length === files.length;
  if (whole && expectation.channels !== undefined && channels !== expectation.channels)
    problems.push(
      error(
        files[0]!,
        `${channels} channels where ${expectation.channels} are due`,
        'Give the missing channels, or leave the case out',
      ),
    );
  if (size[2] === 1 && expectation.spatialDims === 3)
    problems.push(
      warning(files[0]!, 'one slice for a network of three axes', 'Take model.spatial_dims 2, or leave the case out'),
    );
  const image = { size, channels, spacing: spacingOf(affine), axes: axesOf(affine), intensities };
  return { image, grid: first, digest: whole ? hash.digest('hex') : undefined };
}

async function inspectPart(
  file: string,
  options: Expectation,
  hash: ReturnType<typeof createHash>,
): Promise<ImagePart> {
  const { volume } = await readVolume(file, options);
  const { values, size, affine } = volume;
  hash.update(`${size.join()} ${values.constructor.name}`);
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  // One update takes less than 2 GiB.
  for (let at = 0; at < bytes.byteLength; at += 2 ** 30) hash.update(bytes.subarray(at, at + 2 ** 30));
  return { size, affine, intensities: intensitiesOf(volume) };
}

function checkValues(file: string, part: ImagePart, channel: number, figures: Intensities, problems: Problem[]): void {
  const place = part.intensities.length === 1 ? '' : ` of channel ${channel}`;
  const { unfit, percentiles } = figures;
  const all = part.size[0] * part.size[1] * part.size[2];
  if (unfit > 0)
    problems.push(
      error(
        file,
        `${unfit} of ${all} voxels${place} are NaN or infinite`,
        'Set them to 0, for instance with numpy.nan_to_num',
      ),
    );
  if (percentiles === null && unfit < all)
    problems.push(error(file, `all voxels${place} are 0`, 'Leave the case out, or give the image'));
}

/** `RAS` where the voxel axes run to the right, anterior and superior. */
function axesOf(affine: Affine): string {
  const codes = ['', '', ''];
  closestAxes(affine).forEach(({ axis, flipped }, row) => (codes[axis] = (flipped ? 'LPI' : 'RAS')[row]!));
  return codes.join('');
}

async function inspectLabels(
  { label, images }: CaseFiles,
  image: Placed | undefined,
  expectation: Expectation,
  problems: Problem[],
): Promise<InspectedCase['labels']> {
  const counted =
    typeof label === 'string'
      ? await inspectMap(label, image, expectation, problems)
      : await inspectMasks(label, image, expectation, problems);
  if (!counted) return undefined;
  const { names } = expectation.labels;
  const masks = typeof label === 'string' ? [] : names.slice(1).filter((name) => label[name] !== undefined);
  const whole = masks.every((name) => counted[name] !== undefined);
  if (whole && names.slice(1).every((name) => (counted[name] ?? 0) === 0))
    problems.push(
      error(
        typeof label === 'string' ? label : images[0]!,
        `no voxel belongs to any of ${names.slice(1).join(', ')}`,
        'Give the labels of this image, or leave the case out',
      ),
    );
  return counted;
}

async function inspectMap(
  file: string,
  image: Placed | undefined,
  { labels, npy_spacing }: Expectation,
  problems: Problem[],
): Promise<Readonly<Record<string, number>> | undefined> {
  const counted = await noting(
    problems,
    async (): Promise<LabelCounts & { readonly volume: Omit<Volume, 'values'> }> => {
      const { volume } = await readVolume(file, { npy_spacing });
      const { values, ...rest } = volume;
      return { ...countLabels(values, labels), volume: rest };
    },
  );
  if (!counted) return undefined;
  const { counts, unknown, volume } = counted;
  if (image) await noting(problems, async () => checkLabelGrid({ file, volume }, image));
  if (unknown.length > 0) {
    const shown = unknown.slice(0, 6).map(({ value, voxels }) => `${value} (${voxels} voxels)`);
    const whole = unknown.every(({ value }) => Number.isInteger(value));
    problems.push(
      error(
        file,
        `unknown labels: ${shown.join(', ')}${unknown.length > 6 ? ` and ${unknown.length - 6} more` : ''}`,
        whole
          ? 'Name them in the data set, or say in data.label_map which values belong to which class'
          : 'Labels are whole numbers: was the file resampled other than by nearest neighbour, or is it an image?',
      ),
    );
  }
  return counts;
}

async function inspectMasks(
  masks: Readonly<Record<string, string>>,
  image: Placed | undefined,
  { labels, npy_spacing }: Expectation,
  problems: Problem[],
): Promise<Readonly<Record<string, number>> | undefined> {
  const counts: Record<string, number> = {};
  for (const [name, file] of Object.entries(masks).filter(([key]) => labels.names.indexOf(key) > 0)) {
    const mask = {
      names: ['0', name],
      ofValue: new Map([
        [0, ['0']],
        [1, [name]],
      ]),
      othersAreBackground: false,
    };
    const found = await noting(problems, async () => {
      const { volume } = await readVolume(file, { npy_spacing });
      const { values, ...rest } = volume;
      if (image) checkLabelGrid({ file, volume: rest }, image);
      return countLabels(values, mask);
    });
    if (!found) continue;
    const [odd] = found.unknown;
    if (odd) problems.push(error(file, `the mask of ${name} holds ${odd.value}`, 'A mask holds 0 and 1 only'));
    counts[name] = found.counts[name] ?? 0;
    if (counts[name] === 0 && !odd)
      problems.push(
        warning(
          file,
          `the mask of ${name} is empty`,
          'It says that there is none; take it away where it was not drawn',
        ),
      );
  }
  const unread = Object.keys(masks).length > 0 && Object.keys(counts).length === 0;
  return unread ? undefined : counts;
}
