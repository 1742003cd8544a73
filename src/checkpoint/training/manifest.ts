import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CheckpointError, type CheckpointFault } from './checkpointError.ts';
import { formatExact, parseExact } from './exactJson.ts';
import { manifestFile } from './names.ts';
import { refused } from './systemFault.ts';

const VERSION = 1;

const count = z.number().int().nonnegative();

/** A name in the checkpoint's own folder: a manifest leads nowhere else. */
const fileName = z
  .string()
  .regex(/^[A-Za-z0-9_][\w.-]*$/, 'is not the plain name of a file')
  .refine((name) => name !== manifestFile, 'is the manifest itself');

const fileSchema = z.strictObject({
  name: fileName,
  bytes: count,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in hexadecimal digits'),
});

const manifestSchema = z.strictObject({
  version: z.literal(VERSION),
  created: z.iso.datetime(),
  step: count,
  epoch: count,
  phase: z.string().optional(),
  files: z
    .array(fileSchema)
    .refine((files) => new Set(files.map(({ name }) => name)).size === files.length, 'has a file twice'),
  /** How the run was laid out, for people to read: what is loaded follows from names alone. */
  layout: z.looseObject({ workers: count, replicas: count }),
  /** The coordinator's own, which it checks itself. */
  state: z.unknown(),
});

/** What a checkpoint holds, and by what its files are known to be whole. */
export type Manifest = z.infer<typeof manifestSchema>;
/** What whoever commits a checkpoint says of it. */
export type ManifestFacts = Omit<Manifest, 'version' | 'created'>;

/** Throws a CheckpointError where the facts are none of a manifest. */
export function makeManifest(folder: string, facts: ManifestFacts): Manifest {
  const made = manifestSchema.safeParse({ version: VERSION, created: new Date().toISOString(), ...facts });
  if (made.success) return made.data;
  throw new CheckpointError(join(folder, manifestFile), shapeFault(made.error));
}

/*
 * The manifest's last field is the SHA-256 of all bytes before it, so that a bit that flips in the manifest is found as well:
 *
 *     {
 *       "version": 1, …
 *       "state": …,
 *       "sha256": "…"
 *     }
 */
const SEAL = /^,\n {2}"sha256": "([0-9a-f]{64})"\n\}\n$/;
const SEAL_BYTES = `,\n  "sha256": "${'0'.repeat(64)}"\n}\n`.length;

export function formatManifest(manifest: Manifest): string {
  const body = formatExact(manifest).replace(/\n\}$/, '');
  return `${body},\n  "sha256": "${sha256Of(Buffer.from(body))}"\n}\n`;
}

/** Throws a CheckpointError where the bytes are not those that were written, or no manifest that we know. */
export function parseManifest(file: string, bytes: Buffer): Manifest {
  const body = bytes.subarray(0, Math.max(0, bytes.length - SEAL_BYTES));
  const seal = SEAL.exec(bytes.toString('latin1', body.length))?.[1];
  if (seal === undefined) throw new CheckpointError(file, damaged('is cut off or no manifest'));
  if (seal !== sha256Of(body)) throw new CheckpointError(file, damaged('was changed after it was written'));
  const { sha256: _, ...said } = parseFields(file, bytes.toString('utf8'));
  if (typeof said['version'] === 'number' && said['version'] > VERSION)
    throw new CheckpointError(file, {
      problem: `is of version ${said['version']}; this LAMP reads version ${VERSION}`,
      remedy: 'use a newer LAMP',
    });
  const parsed = manifestSchema.safeParse(said);
  if (!parsed.success) throw new CheckpointError(file, shapeFault(parsed.error));
  return parsed.data;
}

/** Throws a CheckpointError where there is none that is sound. */
export async function readManifest(folder: string): Promise<Manifest> {
  const file = join(folder, manifestFile);
  return parseManifest(file, await readFile(file).catch(refused(file, 'cannot be read')));
}

/** What someone else has sealed may be anything. */
function parseFields(file: string, text: string): Readonly<Record<string, unknown>> {
  try {
    return parseExact(text) as Record<string, unknown>;
  } catch (cause) {
    throw new CheckpointError(file, damaged(`is no JSON (${(cause as Error).message})`), { cause });
  }
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const damaged = (problem: string): CheckpointFault => ({ problem, remedy: 'take another checkpoint of the run' });

const shapeFault = ({ issues }: z.ZodError): CheckpointFault =>
  damaged(issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`).join('; '));
