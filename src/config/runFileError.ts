/** One thing that is wrong with a run file. */
export interface Fault {
  /** Where: `optimizer.lr`, or empty for the file as a whole. */
  readonly key: string;
  /** Where it was said: a line of the file, or the command line. */
  readonly origin?: { readonly line: number } | 'command line';
  /** What is wrong, with the value: "-1 is not allowed". */
  readonly problem: string;
  /** What would be right: "give a number above 0". */
  readonly remedy?: string;
}

/** A run file cannot be used. Holds every fault that was found, not only the first. */
export class RunFileError extends Error {
  override readonly name = 'RunFileError';
  readonly file: string;
  readonly faults: readonly Fault[];

  constructor(file: string, faults: readonly Fault[]) {
    super(formatFaults(file, faults));
    this.file = file;
    this.faults = faults;
  }
}

/**
 *     run.yaml: 2 faults
 *       line 12, optimizer.lr: -1 is not allowed; give a number above 0
 *       command line, training.epoch: no such key; did you mean training.epochs?
 */
function formatFaults(file: string, faults: readonly Fault[]): string {
  if (faults.length === 1) return `${file}: ${formatFault(faults[0]!)}`;
  return [`${file}: ${faults.length} faults`, ...faults.map((fault) => `  ${formatFault(fault)}`)].join('\n');
}

function formatFault({ key, origin, problem, remedy }: Fault): string {
  const place = [typeof origin === 'object' ? `line ${origin.line}` : origin, key || undefined]
    .filter(Boolean)
    .join(', ');
  return `${place ? `${place}: ` : ''}${problem}${remedy ? `; ${remedy}` : ''}`;
}
