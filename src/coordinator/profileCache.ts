import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { engineCache } from '../engine/install/location.ts';
import {
  formatProfile,
  parseProfile,
  profileMatches,
  type Profile,
  type ProfileSubject,
} from '../partition/profile.ts';

/** Where profiles are kept: outside the checkout, as they hold for the machine. */
const directory = (): string => join(engineCache(), 'profiles');

/** The file of what is measured for a subject, whether it is there or not. */
export function profileFile({ model, input_shape, engine, loss, optimizer, workers }: ProfileSubject): string {
  const own = workers.map(({ device, threads, host }) => [device, threads, ...(host === undefined ? [] : [host])]);
  const text = JSON.stringify([model, input_shape, engine, loss, optimizer, own]);
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return join(directory(), `${model.name}-${digest}.json`);
}

type Cells = readonly { readonly name: string }[];

/** What was measured before, if it holds; a profile that is missing or damaged is measured again. */
export async function cachedProfile(subject: ProfileSubject, cells: Cells): Promise<Profile | undefined> {
  const profile = await readProfile(profileFile(subject));
  return profile && profileMatches(profile, subject, cells) ? profile : undefined;
}

async function readProfile(file: string): Promise<Profile | undefined> {
  try {
    return parseProfile(await readFile(file, 'utf8'), file);
  } catch {
    return undefined;
  }
}

/** All that was ever measured here and can still be read, the newest first. */
export async function cachedProfiles(): Promise<readonly Profile[]> {
  const names = await readdir(directory()).catch(() => []);
  const files = names.filter((name) => name.endsWith('.json')).map((name) => join(directory(), name));
  const read = await Promise.all(
    files.map(async (file) => ({
      profile: await readProfile(file),
      at: (await stat(file).catch(() => undefined))?.mtimeMs ?? 0,
    })),
  );
  return read.toSorted((a, b) => b.at - a.at).flatMap(({ profile }) => profile ?? []);
}

/** A cache that cannot be written costs time and nothing else. */
export async function keepProfile(profile: Profile): Promise<void> {
  try {
    await writeProfile(profileFile(profile), profile);
  } catch {
    // Measured again next time.
  }
}

/** Whole or not at all. */
export async function writeProfile(file: string, profile: Profile): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(temporary, formatProfile(profile));
  await rename(temporary, file);
}
