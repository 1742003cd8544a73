/** A network that cannot be written as ONNX: names the file and why. */
export class OnnxError extends Error {
  override readonly name = 'OnnxError';
  readonly file: string;

  constructor(file: string, fault: string) {
    super(`${file}: ${fault}`);
    this.file = file;
  }
}
