import type { CaseFiles } from './caseFiles.ts';
import { checkChannels, checkGrid, checkLabelGrid, type Grid } from './dataset.ts';
import { readVolumeHeader, type ReadOptions } from './readVolume.ts';

export interface HeaderOptions extends ReadOptions {
  /** Channels that the network takes. */
  readonly channels: number;
}

/**
 * The grid of a case's image, by headers alone: image and labels are there and on one grid. Throws as `loadCase` does; what the
 * labels say is not read.
 */
export async function caseHeader(files: CaseFiles, options: HeaderOptions): Promise<Grid> {
  const image = await imageHeader(files.images, options);
  const labels = typeof files.label === 'string' ? [files.label] : Object.values(files.label);
  for (const file of labels)
    checkLabelGrid({ file, volume: await readVolumeHeader(file, options) }, { file: files.images[0]!, volume: image });
  return image;
}

/** Of an image of one file, or of one a channel. */
async function imageHeader([first, ...others]: readonly string[], options: HeaderOptions): Promise<Grid> {
  const image = await readVolumeHeader(first!, options);
  let { channels } = image;
  for (const file of others) {
    const part = await readVolumeHeader(file, options);
    checkGrid({ file, volume: part }, { file: first!, volume: image });
    channels += part.channels;
  }
  checkChannels(first!, { size: image.size, channels }, options.channels);
  return image;
}
