import { cellsDivisor } from '../../config/cellsDivisor.ts';
import type { CellSpec, LayerSpec } from '../../config/schema/cells.ts';
import { layersFor, type LayerFactory } from '../../layers/factory.ts';
import type { Layer } from '../../layers/layer.ts';
import type { Cell, Model } from '../cell.ts';
import { describeModel } from '../describe.ts';
import { OwnModelError } from './error.ts';
import { buildLayer, type Flow } from './layers.ts';

export interface OwnModelSpec {
  readonly name: string;
  readonly spatial_dims: 2 | 3;
  readonly in_channels: number;
  readonly out_channels: number;
  readonly cells: readonly CellSpec[];
}

/**
 * A network of the user's own, cell by cell. The layer with index i of cell c has the parameters `c.i.weight` and so on, as an
 * nn.ModuleDict of nn.Sequential in PyTorch; those of `pop_through` are `c.pop.i`. Throws an OwnModelError that names the cell.
 */
export function own(spec: OwnModelSpec): Model {
  const build = cellBuilder(layersFor(spec.spatial_dims), spec.spatial_dims);
  const skips = new Map<string, Flow>();
  let flow: Flow = { channels: spec.in_channels, scale: Array.from({ length: spec.spatial_dims }, () => 1) };
  const cells = spec.cells.map((each) => {
    const built = build(each, flow, skips);
    flow = built.flow;
    return built.cell;
  });
  checkEnd(spec, flow, skips);
  const model: Model = {
    name: spec.name,
    spatialDims: spec.spatial_dims,
    inChannels: spec.in_channels,
    outChannels: spec.out_channels,
    cells,
    divisor: cellsDivisor(spec.cells, spec.spatial_dims),
  };
  checkSizes(model);
  return model;
}

/** Kernels without fitting zeros lose voxels on the way: then skips do not fit, or the output. */
function checkSizes(model: Model): void {
  const size = Array.from({ length: model.spatialDims }, () => 4 * model.divisor);
  for (const { name, inputShape, outputShape } of describeOr(model, [1, ...size, model.inChannels]))
    if (name === model.cells.at(-1)!.name && outputShape.slice(1, -1).join() !== size.join())
      throw new OwnModelError(
        name,
        `of an image of ${size.join(' × ')} voxels ${outputShape.slice(1, -1).join(' × ')} come out (${inputShape.slice(1, -1).join(' × ')} go in)`,
        'give its convolutions padding: same, and transposed ones a kernel as large as their stride',
      );
}

function describeOr(model: Model, input: readonly number[]): ReturnType<typeof describeModel> {
  try {
    return describeModel(model, input);
  } catch (cause) {
    throw new OwnModelError(
      model.cells[0]!.name,
      `an image of ${input.slice(1, -1).join(' × ')} voxels does not go through: ${(cause as Error).message}`,
      'what is joined must have one size',
      { cause },
    );
  }
}

function checkEnd(spec: OwnModelSpec, { channels, scale }: Flow, left: ReadonlyMap<string, Flow>): void {
  const last = spec.cells.at(-1)!.name;
  const names = spec.cells.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined)
    throw new OwnModelError(twice, 'its name is that of another cell, too', 'give every cell a name of its own');
  const [unread] = left.keys();
  if (unread !== undefined)
    throw new OwnModelError(last, `no cell pops skip ${unread}`, 'pop it in a later cell, or do not stash it');
  if (channels !== spec.out_channels)
    throw new OwnModelError(
      last,
      `${channels} channels come out, and model.out_channels is ${spec.out_channels}`,
      `end with a convolution to ${spec.out_channels} channels`,
    );
  if (scale.some((by) => by !== 1))
    throw new OwnModelError(
      last,
      `what comes out is ${scale.join(' × ')} times coarser than the image`,
      'upsample as often as you downsample',
    );
}

/** Makes one cell after the other; `skips` holds what is stashed and not popped. */
const cellBuilder =
  (make: LayerFactory, dims: number) =>
  (spec: CellSpec, input: Flow, skips: Map<string, Flow>): { cell: Cell; flow: Flow } => {
    const chain = (specs: readonly LayerSpec[], prefix: string, from: Flow): { layers: Layer[]; flow: Flow } => {
      let flow = from;
      const layers = specs.map((layer, index) => {
        const built = buildLayer(make, layer, `${prefix}.${index}`, flow, { cell: spec.name, dims });
        flow = built.flow;
        return built.layer;
      });
      return { layers, flow };
    };
    const { pop, stash, join } = spec;
    if (spec.pop_through && pop === undefined)
      throw new OwnModelError(spec.name, 'pop_through without a skip', 'say which skip in pop');
    const through =
      pop === undefined ? undefined : chain(spec.pop_through ?? [], `${spec.name}.pop`, taken(skips, pop, spec.name));
    const joined = through ? joinedFlow(input, through.flow, spec) : input;
    const { layers, flow } = chain(spec.layers, spec.name, joined);
    if (stash !== undefined && skips.has(stash))
      throw new OwnModelError(
        spec.name,
        `skip ${stash} is stashed already`,
        'a skip is for one later cell: give it a name of its own',
      );
    if (stash !== undefined) skips.set(stash, flow);
    const cell: Cell = {
      name: spec.name,
      layers,
      ...(pop === undefined ? {} : { pop, join }),
      ...(through && through.layers.length > 0 ? { popThrough: through.layers } : {}),
      ...(stash === undefined ? {} : { stash }),
    };
    return { cell, flow };
  };

function taken(skips: Map<string, Flow>, name: string, cell: string): Flow {
  const flow = skips.get(name);
  if (!flow)
    throw new OwnModelError(
      cell,
      `it pops skip ${name}, which no earlier cell has stashed`,
      `there are ${[...skips.keys()].join(', ') || 'none'}; each is for one cell`,
    );
  skips.delete(name);
  return flow;
}

function joinedFlow(input: Flow, skip: Flow, { name, pop, join }: CellSpec): Flow {
  if (input.scale.some((by, axis) => by !== skip.scale[axis]))
    throw new OwnModelError(
      name,
      `skip ${pop} is ${skip.scale.join(' × ')} times coarser than the image, and the input ${input.scale.join(' × ')}`,
      'join what is of one resolution',
    );
  if (join === 'concatenate') return { ...input, channels: input.channels + skip.channels };
  if (input.channels !== skip.channels)
    throw new OwnModelError(
      name,
      `skip ${pop} has ${skip.channels} channels, and the input ${input.channels}`,
      'give it as many with a convolution in pop_through, or concatenate',
    );
  return input;
}
