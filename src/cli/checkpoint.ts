import { Command } from 'commander';
import type { FoundCheckpoint } from '../checkpoint/training/inventory.ts';
import { convertCheckpointFile, type ConvertFlags } from './checkpointConvert.ts';
import { checkpointFacts, describeContents, describeList, describeVerified, json } from './checkpointReport.ts';
import { checkpointTarget, chosenCheckpoint } from './checkpointTarget.ts';
import type { CliContext } from './context.ts';
import { exitCodes, InputError } from './exit.ts';
import { interruptible } from './interrupt.ts';

interface JsonFlag {
  readonly json?: true;
}

const example = `
RUN is a run's folder, CHECKPOINT one in its checkpoints/. Of a run, show and convert take the newest that is whole.

Examples:
  $ lamp checkpoint ls runs/brain9
  $ lamp checkpoint convert runs/brain9/checkpoints/step-00000120 --output brain9.safetensors
`;

const runOrCheckpoint = 'folder of a run or of a checkpoint';

/** `lamp checkpoint`: what a run can be gone on with from. */
export function checkpointCommand(context: CliContext): Command {
  const command = new Command('checkpoint')
    .description('list, show, verify and convert the checkpoints of a run')
    .addHelpText('after', example);
  command
    .command('ls')
    .description('list the checkpoints of a run, the newest first, by a look at their manifests and sizes')
    .argument('<run>', 'folder of a run')
    .option('--json', 'print them as JSON')
    .action(async (path: string, flags: JsonFlag) => list(path, flags, context));
  command
    .command('show')
    .description('tell what a checkpoint holds')
    .argument('<checkpoint>', runOrCheckpoint)
    .option('--json', 'print it as JSON')
    .action(async (path: string, flags: JsonFlag) => show(path, flags, context));
  command
    .command('verify')
    .description(
      'read every byte of a checkpoint, or of all that a run has; exit code 1 where one is damaged or none whole',
    )
    .argument('<checkpoint>', runOrCheckpoint)
    .option('--json', 'print it as JSON')
    .action(async (path: string, flags: JsonFlag) => verify(path, flags, context));
  command
    .command('convert')
    .description(
      "write the weights of a checkpoint by PyTorch's names into one safetensors file; it is verified before",
    )
    .argument('<checkpoint>', runOrCheckpoint)
    .requiredOption('--output <file>', 'safetensors file to write')
    .option('--teacher', 'write the weights of the teacher (training with self_ensembling)')
    .option('--all', "write everything: the optimizer's slots and the teacher as well, by their keys")
    .option('--force', 'write over a file that exists')
    .option('--json', 'print what was written as JSON')
    .action(async (path: string, flags: ConvertFlags) => convertCheckpointFile(path, flags, context));
  return command;
}

async function list(path: string, flags: JsonFlag, { out }: CliContext): Promise<void> {
  const { listCheckpoints } = await import('../checkpoint/training/inventory.ts');
  const target = checkpointTarget(path);
  if (target.kind !== 'run')
    throw new InputError(`${path}: is one checkpoint; give the folder of its run, or use show`);
  const found = await listCheckpoints(target.path);
  out.write(flags.json ? json(found.map(checkpointFacts)) : describeList(target.path, found, Date.now()));
}

async function show(path: string, flags: JsonFlag, context: CliContext): Promise<void> {
  const { listCheckpoints, lookAt } = await import('../checkpoint/training/inventory.ts');
  const { StateFiles } = await import('../checkpoint/training/stateFiles.ts');
  const target = checkpointTarget(path);
  const found = target.kind === 'run' ? await listCheckpoints(target.path) : [await lookAt(target.path)];
  const first = found.findIndex(({ status }) => status === 'whole');
  const checkpoint = chosenCheckpoint(target, found[first], found.slice(0, first === -1 ? undefined : first), context);
  const state = await StateFiles.open(checkpoint.path);
  try {
    context.out.write(
      flags.json
        ? json({
            ...checkpointFacts(checkpoint),
            manifest: checkpoint.manifest,
            tensors: Object.fromEntries(state.entries),
          })
        : describeContents(checkpoint, state, Date.now()),
    );
  } finally {
    await state.close();
  }
}

async function verify(path: string, flags: JsonFlag, context: CliContext): Promise<void> {
  const { listCheckpoints, verifyCheckpoint } = await import('../checkpoint/training/inventory.ts');
  const target = checkpointTarget(path);
  const paths = target.kind === 'run' ? (await listCheckpoints(path)).map((each) => each.path) : [path];
  const verified: FoundCheckpoint[] = [];
  await interruptible(context.err, async (signal) => {
    for (const each of paths) {
      const found = await verifyCheckpoint(each, { signal });
      verified.push(found);
      if (!flags.json) context.out.write(describeVerified(found));
    }
  });
  if (flags.json) context.out.write(json(verified.map(checkpointFacts)));
  else if (paths.length === 0) context.out.write(describeList(path, [], Date.now()));
  const sound =
    verified.some(({ status }) => status === 'whole') && verified.every(({ status }) => status !== 'damaged');
  if (!sound) context.exitCode = exitCodes.failed;
}
