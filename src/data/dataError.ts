/** Data that cannot be trained on: which file, what is wrong with it, and what mends it. */
export class DataError extends Error {
  override readonly name = 'DataError';
  readonly file: string;
  readonly problem: string;
  readonly remedy: string;

  constructor(file: string, problem: string, remedy: string) {
    super(`${file}: ${problem}. ${remedy}`);
    this.file = file;
    this.problem = problem;
    this.remedy = remedy;
  }
}
