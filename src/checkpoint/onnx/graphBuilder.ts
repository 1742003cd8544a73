import type { Shape } from '../../engine/tensor.ts';
import type { ParameterSpec } from '../../layers/parameter.ts';
import { pytorchShape } from '../pytorchLayout.ts';
import type { OnnxAttribute, OnnxNode } from './node.ts';

/** A tensor that the file holds: a parameter by its name, in PyTorch's layout, or a constant of the graph. */
export type Initializer =
  | { readonly kind: 'parameter'; readonly name: string; readonly dims: Shape }
  | {
      readonly kind: 'constant';
      readonly name: string;
      readonly dims: Shape;
      readonly values: Float32Array | BigInt64Array;
    };

/** Gathers nodes and initializers. Every value has a name of its own. */
export class GraphBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: Initializer[] = [];
  readonly #taken: Set<string>;

  /** @param taken names of values that are there already: the graph's input and output */
  constructor(taken: readonly string[]) {
    this.#taken = new Set(taken);
  }

  /** Adds an operation and returns the name of its one output. An optional input that is left out is ''. */
  add(opType: string, name: string, input: readonly string[], attribute: readonly OnnxAttribute[] = []): string {
    const output = this.#unique(name);
    this.nodes.push({ name: output, opType, input, output: [output], attribute });
    return output;
  }

  /** @param dims where they are not those that PyTorch has; the values lie the same */
  parameter(spec: ParameterSpec, dims: Shape = pytorchShape(spec.layout, spec.shape)): string {
    this.initializers.push({ kind: 'parameter', name: spec.name, dims });
    return spec.name;
  }

  constant(name: string, values: Float32Array | BigInt64Array, dims: Shape = [values.length]): string {
    const unique = this.#unique(name);
    this.initializers.push({ kind: 'constant', name: unique, dims, values });
    return unique;
  }

  #unique(name: string): string {
    let unique = name;
    for (let n = 2; this.#taken.has(unique); n++) unique = `${name}.${n}`;
    this.#taken.add(unique);
    return unique;
  }
}
