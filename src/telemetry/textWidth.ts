import { stripVTControlCharacters } from 'node:util';

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
// East Asian letters, full-width forms and pictures take two columns of a terminal.
const wide =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const invisible = /^[\p{Mark}\p{Format}\p{Control}]*$/u;

/** Columns that a text takes on a terminal; colours take none, an accent none of its own. */
export function textWidth(text: string): number {
  let columns = 0;
  for (const { segment } of graphemes.segment(stripVTControlCharacters(text)))
    columns += invisible.test(segment) ? 0 : wide.test(segment) ? 2 : 1;
  return columns;
}
