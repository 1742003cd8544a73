import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelSpec } from '../config/runFile.ts';
import { engineCache } from '../engine/install/location.ts';
import type { Shape } from '../engine/tensor.ts';
import type { Model } from '../models/cell.ts';
import { analyticCosts, type CellCost } from '../partition/cost.ts';
import {
  formatProfile,
  measuredCosts,
  parseProfile,
  profileMatches,
  type Profile,
  type ProfileSubject,
} from '../partition/profile.ts';
import { workerName } from '../transport/names.ts';
import type { Fleet } from './fleet.ts';

const REPETITIONS = 3;

export interface CostRequest {
  readonly spec: ModelSpec;
  readonly model: Model;
  /** (batch, …spatial, channels) of a micro-batch. */
  readonly shape: Shape;
  readonly engine: 'tensorflow' | 'cpu';
  readonly device: string;
  readonly threads: number;
}

/**
 * What each cell costs, measured on the first worker's device. Measured once for each model, shape and device, and kept: the
 * same run file is cut in the same way again.
 */
export async function measureCosts(fleet: Fleet, request: CostRequest): Promise<readonly CellCost[]> {
  const estimates = analyticCosts(request.model, request.shape);
  const { spec: model, engine, device, threads, shape } = request;
  const subject: ProfileSubject = { model, engine, device, threads, input_shape: [...shape] };
  const file = profileFile(subject);
  const known = await readProfile(file);
  if (known && profileMatches(known, subject, request.model.cells)) return measuredCosts(known, estimates);
  const { forward, backward } = await fleet.request(workerName(0), 'profile', {
    model,
    shape: [...shape],
    repetitions: REPETITIONS,
  });
  const cells = request.model.cells.map(({ name }, c) => ({
    name,
    forward: forward[c] ?? 0,
    backward: backward[c] ?? 0,
  }));
  const profile: Profile = { version: 1, ...subject, repeats: REPETITIONS, cells };
  await writeProfile(file, profile);
  return measuredCosts(profile, estimates);
}

function profileFile(subject: ProfileSubject): string {
  const digest = createHash('sha256').update(JSON.stringify(subject)).digest('hex').slice(0, 16);
  return join(engineCache(), 'profiles', `${subject.model.name}-${digest}.json`);
}

/** A profile that is missing or damaged is measured again. */
async function readProfile(file: string): Promise<Profile | undefined> {
  try {
    return parseProfile(await readFile(file, 'utf8'), file);
  } catch {
    return undefined;
  }
}

/** A cache that cannot be written costs time and nothing else. */
async function writeProfile(file: string, profile: Profile): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  try {
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(temporary, formatProfile(profile));
    await rename(temporary, file);
  } catch {
    // Measured again next time.
  }
}
