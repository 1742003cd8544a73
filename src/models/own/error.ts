/** Cells that make no network: which one, and why. */
export class OwnModelError extends Error {
  override readonly name = 'OwnModelError';
  readonly cell: string;

  constructor(cell: string, problem: string, remedy: string, options?: ErrorOptions) {
    super(`cell ${cell}: ${problem}; ${remedy}`, options);
    this.cell = cell;
  }
}
