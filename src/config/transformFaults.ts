import { modelDivisor } from './modelDivisor.ts';
import type { Fault } from './runFileError.ts';
import type { RunFile } from './runFile.ts';
import { isRandom, transformSteps, type TransformStep } from './transformList.ts';

/** What the transforms of a run must be to one another, to the model, and each to itself. */
export function transformFaults(run: RunFile): readonly Fault[] {
  return [
    ...orderFaults(run),
    ...patchFaults(run),
    ...transformSteps(run.data.transforms).flatMap(({ step, key }) =>
      stepFaults(step, run).map(({ key: name, ...fault }) => ({ ...fault, key: `${key}.${name}` })),
    ),
  ];
}

/** What is done once and kept cannot come after what is drawn for every sample. */
function orderFaults({ data }: RunFile): readonly Fault[] {
  const steps = transformSteps(data.transforms);
  const first = steps.find(({ step }) => isRandom(step));
  if (!first) return [];
  return steps.slice(steps.indexOf(first)).flatMap(({ step, key }) =>
    isRandom(step)
      ? []
      : [
          {
            key,
            problem: `${step.name}, which is done once to every image, comes after ${first.step.name}, which is drawn for every sample`,
            remedy: `put ${step.name} before ${first.key}`,
          },
        ],
  );
}

function patchFaults({ data }: RunFile): readonly Fault[] {
  const crop = transformSteps(data.transforms).find(({ step }) => step.name === 'RandCropByPosNegLabel');
  if (!crop || data.patch_size === 'whole') return [];
  return [
    {
      key: 'data.patch_size',
      problem: `[${data.patch_size.join(', ')}] beside RandCropByPosNegLabel (${crop.key}), which crops too`,
      remedy: 'take one of the two away',
    },
  ];
}

function stepFaults(step: TransformStep, run: RunFile): readonly Fault[] {
  switch (step.name) {
    case 'ScaleIntensityRange':
      return step.a_min === step.a_max
        ? [{ key: 'a_max', problem: `${step.a_max} is a_min too`, remedy: 'give another: the window has a width' }]
        : [];
    case 'NormalizeIntensity':
      return normalizeFaults(step, run);
    case 'CropForeground':
      return channelFaults(step.channel_indexes ?? [], run);
    case 'RandCropByPosNegLabel':
      return [
        ...(step.pos + step.neg === 0
          ? [{ key: 'pos', problem: '0, and neg is 0 too', remedy: 'give at least one of them above 0' }]
          : []),
        ...sizeFaults(step.spatial_size, run),
      ];
    case 'RandAffine':
      return sizeFaults(step.spatial_size ?? [], run);
    case 'Rand3DElastic':
      return [
        ...rangeFaults('sigma_range', step.sigma_range),
        ...rangeFaults('magnitude_range', step.magnitude_range),
        ...sizeFaults(step.spatial_size ?? [], run),
      ];
    case 'RandScaleIntensity':
      return rangeFaults('factors', step.factors);
    case 'RandShiftIntensity':
      return rangeFaults('offsets', step.offsets);
    case 'Orientation':
    case 'Spacing':
    case 'SpatialPad':
    case 'DivisiblePad':
    case 'RandFlip':
    case 'RandGaussianNoise':
      return [];
  }
}

function normalizeFaults(
  step: Extract<TransformStep, { name: 'NormalizeIntensity' }>,
  { model }: RunFile,
): readonly Fault[] {
  const { subtrahend, divisor } = step;
  if (subtrahend === undefined && divisor === undefined) return [];
  const [missing, given] =
    subtrahend === undefined ? (['subtrahend', 'divisor'] as const) : (['divisor', 'subtrahend'] as const);
  if (subtrahend === undefined || divisor === undefined)
    return [{ key: missing, problem: `is missing beside ${given}`, remedy: 'give both, or neither' }];
  const channels = model.in_channels;
  const counts = Object.entries({ subtrahend, divisor }).flatMap(([key, value]) =>
    typeof value === 'number' || value.length === channels
      ? []
      : [
          {
            key,
            problem: `${value.length} numbers for images of ${channelCount(channels)} (model.in_channels)`,
            remedy: `give ${channels}, or one number for all`,
          },
        ],
  );
  const zero = [divisor].flat().includes(0);
  return [...counts, ...(zero ? [{ key: 'divisor', problem: 'holds 0', remedy: 'give numbers other than 0' }] : [])];
}

const channelCount = (n: number): string => (n === 1 ? '1 channel' : `${n} channels`);

function channelFaults(channels: readonly number[], { model }: RunFile): readonly Fault[] {
  const last = model.in_channels - 1;
  const beyond = channels.find((channel) => channel > last);
  if (beyond === undefined) return [];
  return [
    {
      key: 'channel_indexes',
      problem: `${beyond} for images of ${channelCount(model.in_channels)} (model.in_channels)`,
      remedy: last === 0 ? 'give [0], or nothing' : `give channels from 0 to ${last}`,
    },
  ];
}

function rangeFaults(key: string, range: number | readonly number[]): readonly Fault[] {
  if (typeof range === 'number' || range[0]! <= range[1]!) return [];
  return [{ key, problem: `[${range.join(', ')}] runs down`, remedy: `give [${range[1]}, ${range[0]}]` }];
}

/** Samples of a network of two axes are slices; sizes that the model cannot halve would come out larger than they are said to be. */
function sizeFaults(size: readonly number[], { model }: RunFile): readonly Fault[] {
  const key = 'spatial_size';
  const text = `[${size.join(', ')}]`;
  if (model.spatial_dims === 2 && size.length > 0 && size[2]! > 1)
    return [
      {
        key,
        problem: `${text} asks for ${size[2]} slices of a network of two axes (model.spatial_dims 2)`,
        remedy: `give [${size[0]}, ${size[1]}, 1]`,
      },
    ];
  const divisor = modelDivisor(model);
  const halved = size.slice(0, model.spatial_dims);
  if (halved.every((n) => n <= 0 || n % divisor === 0)) return [];
  const nearest = size.map((n, axis) =>
    n <= 0 || axis >= model.spatial_dims ? n : Math.max(divisor, Math.round(n / divisor) * divisor),
  );
  return [
    {
      key,
      problem: `${text} does not fit the model, which halves sizes that are multiples of ${divisor}`,
      remedy: `give such sizes, as [${nearest.join(', ')}]`,
    },
  ];
}
