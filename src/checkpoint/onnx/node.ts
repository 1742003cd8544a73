/** An operation of the graph: a NodeProto. */
export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly OnnxAttribute[];
}

/** One field beside name and type: the one that the type names. */
export interface OnnxAttribute {
  readonly name: string;
  readonly type: number;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly ints?: readonly number[];
}

/** What the values of attributes are called in the schema: FLOAT, INT, STRING, INTS. */
const types = { float: 1, int: 2, text: 3, ints: 7 } as const;

/** Numbers in lists are whole; a single number is written as `float` or `int` says. */
export const float = (name: string, f: number): OnnxAttribute => ({ name, type: types.float, f });
export const int = (name: string, i: number): OnnxAttribute => ({ name, type: types.int, i });
export const ints = (name: string, values: readonly number[]): OnnxAttribute => ({
  name,
  type: types.ints,
  ints: values,
});
export const text = (name: string, value: string): OnnxAttribute => ({
  name,
  type: types.text,
  s: new TextEncoder().encode(value),
});
