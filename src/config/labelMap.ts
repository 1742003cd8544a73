import type { Fault } from './runFileError.ts';

/** For a class, by name or index, the values of the label files that belong to it. */
export type LabelMap = Readonly<Record<string, readonly number[]>>;

/** The index of a class that is given by name or by index. */
export function classOf(key: string, classes: readonly string[]): number | undefined {
  const index = classes.includes(key) ? classes.indexOf(key) : /^\d+$/.test(key) ? Number(key) : -1;
  return index >= 0 && index < classes.length ? index : undefined;
}

/** What is wrong with a label map: classes that there are not, and values of two classes. */
export function labelMapFaults(map: LabelMap, classes: readonly string[]): readonly Fault[] {
  const faults: Fault[] = [];
  const owner = new Map<number, string>();
  for (const [name, values] of Object.entries(map)) {
    const key = `data.label_map.${name}`;
    if (classOf(name, classes) === undefined)
      faults.push({ key, problem: `${name} is no class`, remedy: `classes are ${classes.join(', ')}` });
    for (const value of values) {
      const other = owner.get(value);
      if (other !== undefined && other !== name)
        faults.push({ key, problem: `${value} belongs to ${other} already`, remedy: 'give every value one class' });
      owner.set(value, name);
    }
  }
  return faults;
}
