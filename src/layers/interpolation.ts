/**
 * The matrix (outputs, inputs), row by row, that interpolates linearly along an axis with the end points in place (PyTorch's
 * `align_corners=True`): output o lies at s = o·(inputs − 1)/(outputs − 1) and is (1 − f)·x[⌊s⌋] + f·x[⌊s⌋ + 1], f = s − ⌊s⌋.
 * Its transpose is the gradient.
 */
export function interpolationMatrix(inputs: number, outputs: number): Float32Array {
  const matrix = new Float32Array(outputs * inputs);
  for (let o = 0; o < outputs; o++) {
    // Whole numbers as long as can be: a position that rounding puts below an integer would still be right, but uglier.
    const left = outputs > 1 ? Math.floor((o * (inputs - 1)) / (outputs - 1)) : 0;
    const fraction = outputs > 1 ? (o * (inputs - 1) - left * (outputs - 1)) / (outputs - 1) : 0;
    matrix[o * inputs + left] = 1 - fraction;
    if (fraction > 0) matrix[o * inputs + left + 1] = fraction;
  }
  return matrix;
}
