import { textWidth } from './textWidth.ts';

export interface Column {
  readonly title?: string;
  /** Numbers stand to the right. */
  readonly align?: 'left' | 'right';
}

/**
 * Rows under their titles, if there are any, in columns of equal width:
 *
 *     structure        Dice
 *     thalamus_left   0.812
 */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const titled = columns.some((column) => column.title !== undefined);
  const lines = titled ? [columns.map((column) => column.title ?? ''), ...rows] : rows;
  const widths = columns.map((_, i) => Math.max(0, ...lines.map((line) => textWidth(line[i] ?? ''))));
  const format = (line: readonly string[]): string =>
    columns
      .map(({ align = 'left' }, i) => {
        const text = line[i] ?? '';
        const space = ' '.repeat(widths[i]! - textWidth(text));
        return align === 'left' ? text + space : space + text;
      })
      .join('  ')
      .trimEnd();
  return lines.map(format).join('\n');
}
