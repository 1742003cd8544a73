import { labelMapFaults } from './labelMap.ts';
import { modelDivisor } from './modelDivisor.ts';
import type { Fault } from './runFileError.ts';
import { phaseFaults } from './phases.ts';
import type { RunFile } from './runFile.ts';
import { isSchedulePath, stagesOnWorker, stagesPerWorkerOf } from './scheduleName.ts';
import { transformFaults } from './transformFaults.ts';

/** What keys must be to one another, in every phase. Empty where a run file agrees with itself. */
export const crossChecks = (run: RunFile): readonly Fault[] =>
  run.phases ? phaseFaults(run, checksOf) : checksOf(run);

function checksOf(run: RunFile): readonly Fault[] {
  return [
    ...checkClasses(run),
    ...checkModel(run),
    ...labelMapFaults(run.data.label_map ?? {}, run.data.classes),
    ...checkCases(run),
    ...checkPatch(run),
    ...transformFaults(run),
    ...checkOptimizer(run),
    ...checkPipeline(run),
    ...checkValidation(run),
  ];
}

function checkClasses({ model, data, loss }: RunFile): readonly Fault[] {
  const faults: Fault[] = [];
  const classes = data.classes.length;
  const twice = data.classes.find((name, i) => data.classes.indexOf(name) < i);
  if (twice !== undefined)
    faults.push({
      key: 'data.classes',
      problem: `${twice} stands twice`,
      remedy: 'give every class a name of its own',
    });
  if (model.out_channels !== classes)
    faults.push({
      key: 'model.out_channels',
      problem: `${model.out_channels} channels for the ${classes} names in data.classes`,
      remedy: `give ${classes}: one for each class, the background too`,
    });
  const weights = loss.class_weights;
  if (weights && weights.length !== classes)
    faults.push({
      key: 'loss.class_weights',
      problem: `${weights.length} weights for the ${classes} names in data.classes`,
      remedy: `give ${classes}, background first, or none`,
    });
  else if (weights?.every((weight) => weight === 0))
    faults.push({ key: 'loss.class_weights', problem: 'every weight is 0', remedy: 'give at least one above 0' });
  return faults;
}

function checkModel({ model, training }: RunFile): readonly Fault[] {
  if (model.name === 'own' && (model.cells === undefined || model.file !== undefined))
    return [
      {
        key: 'model.cells',
        problem: model.cells === undefined ? 'there are no cells' : 'there are cells, and a file of cells',
        remedy: 'give model.file, or model.cells',
      },
    ];
  if ('deep_supervision' in model && model.deep_supervision && training.self_ensembling)
    return [
      {
        key: 'model.deep_supervision',
        problem: 'a teacher (training.self_ensembling) has one head',
        remedy: 'take one of the two away',
      },
    ];
  return [];
}

function checkCases({ data }: RunFile): readonly Fault[] {
  if (data.synthetic === undefined)
    return data.train.length > 0 || data.dataset !== undefined
      ? []
      : [
          {
            key: 'data.train',
            problem: 'there are no training cases',
            remedy: 'give at least one, or data.dataset, or data.synthetic to measure speed without images',
          },
        ];
  const given = (['train', 'validation'] as const).find((set) => data[set].length > 0);
  if (given === undefined) return [];
  return [
    {
      key: 'data.synthetic',
      problem: `random images beside the cases in data.${given}`,
      remedy: `take one of the two away`,
    },
  ];
}

function checkPatch({ model, data }: RunFile): readonly Fault[] {
  const key = data.synthetic === undefined ? 'data.patch_size' : 'data.synthetic';
  const size = data.synthetic ?? data.patch_size;
  if (size === 'whole') return [];
  if (size.length !== model.spatial_dims)
    return [
      {
        key,
        problem: `[${size.join(', ')}] has ${size.length} sizes, and model.spatial_dims is ${model.spatial_dims}`,
        remedy: `give ${model.spatial_dims} sizes`,
      },
    ];
  const divisor = modelDivisor(model);
  if (size.every((n) => n % divisor === 0)) return [];
  const below = size.map((n) => Math.max(divisor, Math.floor(n / divisor) * divisor));
  const above = size.map((n) => Math.ceil(n / divisor) * divisor);
  const nearest = [...new Set([below, above].map((sizes) => `[${sizes.join(', ')}]`))].join(' or ');
  return [
    {
      key,
      ...('depth' in model
        ? {
            problem: `[${size.join(', ')}] cannot be halved ${Math.log2(divisor)} times (model.depth ${model.depth})`,
            remedy: `give multiples of ${divisor}, such as ${nearest}, or a smaller model.depth`,
          }
        : {
            problem: `[${size.join(', ')}] are not multiples of ${divisor}, as ${model.name} needs`,
            remedy: `give multiples of ${divisor}, such as ${nearest}`,
          }),
    },
  ];
}

function checkOptimizer({ optimizer, lr_schedule: schedule }: RunFile): readonly Fault[] {
  const faults: Fault[] = [];
  if (optimizer.name === 'sgd' && optimizer.nesterov && optimizer.momentum === 0)
    faults.push({
      key: 'optimizer.nesterov',
      problem: 'needs momentum',
      remedy: 'give optimizer.momentum, such as 0.9',
    });
  if (schedule.name === 'cosine' && schedule.min_lr > optimizer.lr)
    faults.push({
      key: 'lr_schedule.min_lr',
      problem: `${schedule.min_lr} is above optimizer.lr, ${optimizer.lr}`,
      remedy: `give at most ${optimizer.lr}`,
    });
  return faults;
}

function checkPipeline({ pipeline, training }: RunFile): readonly Fault[] {
  const faults: Fault[] = [];
  const { micro_batches: parts } = pipeline;
  if (parts !== 'auto' && parts > training.batch_size)
    faults.push({
      key: 'pipeline.micro_batches',
      problem: `${parts} micro-batches out of ${samples(training.batch_size)} (training.batch_size)`,
      remedy: `give at most ${training.batch_size}, or a larger training.batch_size`,
    });
  const shared = parts === 'auto' ? training.batch_size : parts;
  if (pipeline.replicas > shared)
    faults.push({
      key: 'pipeline.replicas',
      problem: `${pipeline.replicas} replicas for ${shared} micro-batches: each takes one at least`,
      remedy: `give at most ${shared}, or more micro-batches (training.batch_size, pipeline.micro_batches)`,
    });
  faults.push(...checkStages(pipeline));
  return faults;
}

function checkStages(pipeline: RunFile['pipeline']): readonly Fault[] {
  const { schedule, stages_per_worker: asked } = pipeline;
  if (isSchedulePath(schedule)) return checkOwnSchedule(pipeline);
  const known = schedule === 'auto' ? 'any' : stagesOnWorker[schedule];
  if (asked !== undefined && known !== 'any' && asked !== known)
    return [
      {
        key: 'pipeline.stages_per_worker',
        problem: `${asked} stages a worker for ${schedule}, which has ${known}`,
        remedy: `give ${known}, or pipeline.schedule interleaved_1f1b`,
      },
    ];
  return checkBalance(pipeline);
}

/** What a schedule of the user's own says itself, and what is chosen among ours alone. */
function checkOwnSchedule({ schedule, stages_per_worker: stages, ...others }: RunFile['pipeline']): readonly Fault[] {
  const own = `with a schedule of your own (pipeline.schedule: ${schedule})`;
  const said = { problem: `${stages}, ${own}, which says it itself`, remedy: 'take this away' };
  const chosen = (['micro_batches', 'recompute'] as const).filter((key) => others[key] === 'auto');
  return [
    ...(stages === undefined ? [] : [{ key: 'pipeline.stages_per_worker', ...said }]),
    ...chosen.map((key) => ({
      key: `pipeline.${key}`,
      problem: `auto, ${own}`,
      remedy: 'give a value, or one of our schedules',
    })),
  ];
}

function checkBalance(pipeline: RunFile['pipeline']): readonly Fault[] {
  const { workers, balance } = pipeline;
  if (!balance || workers === 'auto') return [];
  const perWorker = stagesPerWorkerOf(pipeline);
  // The schedules to choose from have one stage a worker, or two.
  const fits = perWorker ? [perWorker * workers] : [workers, 2 * workers];
  if (fits.includes(balance.length)) return [];
  const divisor = perWorker ?? 1;
  const each = divisor === 1 ? '' : ` with ${divisor} stages each (pipeline.schedule)`;
  return [
    {
      key: 'pipeline.balance',
      problem: `${balance.length} stages for ${workers} workers (pipeline.workers)${each}`,
      remedy: `give ${fits.join(' or ')} numbers${balance.length % divisor === 0 ? `, or pipeline.workers ${balance.length / divisor}` : ''}`,
    },
  ];
}

const samples = (n: number): string => (n === 1 ? '1 sample' : `${n} samples`);

function checkValidation({ data, training }: RunFile): readonly Fault[] {
  const faults: Fault[] = [];
  // What is not expanded yet may come to have some.
  const open = data.dataset !== undefined || data.split !== undefined;
  const none = data.validation.length === 0 && !open;
  if (data.validation_deformation && none)
    faults.push({
      key: 'data.validation_deformation',
      problem: 'there are no validation cases to deform',
      remedy: 'give data.validation, or take this away',
    });
  if (training.early_stop && (none || training.validate_every === 0))
    faults.push({
      key: 'training.early_stop',
      problem: none ? 'there are no validation cases to go by' : 'nothing is validated (training.validate_every: 0)',
      remedy: `give ${none ? 'data.validation' : 'training.validate_every'}, or take this away`,
    });
  return faults;
}
