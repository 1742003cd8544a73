import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { FoundCheckpoint } from '../checkpoint/training/inventory.ts';
import { checkpointsFolder } from '../checkpoint/training/names.ts';
import { describeConverted, json } from './checkpointReport.ts';
import { checkpointTarget, chosenCheckpoint, type CheckpointTarget } from './checkpointTarget.ts';
import type { CliContext } from './context.ts';
import { InputError } from './exit.ts';
import { interruptible } from './interrupt.ts';

export interface ConvertFlags {
  readonly output: string;
  readonly teacher?: true;
  readonly all?: true;
  readonly force?: true;
  readonly json?: true;
}

/** `lamp checkpoint convert`: what is written was verified before. */
export async function convertCheckpointFile(path: string, flags: ConvertFlags, context: CliContext): Promise<void> {
  const { latestCheckpoint, verifyCheckpoint } = await import('../checkpoint/training/inventory.ts');
  const { convertCheckpoint } = await import('../checkpoint/training/convert.ts');
  const target = checkpointTarget(path);
  checkOutput(target, flags);
  const { out, err } = context;
  const selection = flags.all ? 'all' : flags.teacher ? 'teacher' : 'weights';
  const { checkpoint, converted } = await interruptible(err, async (signal) => {
    const { checkpoint: newest, passed } =
      target.kind === 'run' ? await latestCheckpoint(path, { signal }) : only(await verifyCheckpoint(path, { signal }));
    const checkpoint = chosenCheckpoint(target, newest, passed, context);
    const { step, epoch, created } = checkpoint.manifest;
    const metadata = { format: 'pt', step: String(step), epoch: String(epoch), created };
    return { checkpoint, converted: await convertCheckpoint(checkpoint.path, flags.output, selection, metadata) };
  });
  const result = { checkpoint: checkpoint.path, selection, file: flags.output, ...converted };
  out.write(flags.json ? json(result) : describeConverted(result));
}

const only = (found: FoundCheckpoint) =>
  found.status === 'whole' ? { checkpoint: found, passed: [] } : { checkpoint: undefined, passed: [found] };

function checkOutput({ kind, path }: CheckpointTarget, { output, force, teacher, all }: ConvertFlags): void {
  if (teacher && all) throw new InputError('--teacher and --all: --all has the teacher, too; take one of the two away');
  if (!output.endsWith('.safetensors'))
    throw new InputError(`--output ${output}: give a name that ends in .safetensors`);
  if (!existsSync(dirname(output)))
    throw new InputError(`--output ${output}: there is no folder ${dirname(output)}; make it first`);
  const kept = kind === 'run' ? join(path, checkpointsFolder) : path;
  if (!relative(resolve(kept), resolve(output)).startsWith('..'))
    throw new InputError(`--output ${output}: lies among the checkpoints; give a file elsewhere`);
  if (existsSync(output) && !force)
    throw new InputError(`--output ${output}: exists already; give another, or --force to write over it`);
}
