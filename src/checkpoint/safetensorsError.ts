/** A safetensors file that cannot be read or written: names the file and what is wrong with it. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
  readonly file: string;
  readonly fault: string;

  constructor(file: string, fault: string, options?: ErrorOptions) {
    super(`${file}: ${fault}`, options);
    this.file = file;
    this.fault = fault;
  }
}
