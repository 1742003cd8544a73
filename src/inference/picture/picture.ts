import type { Volume } from '../../data/volume.ts';
import { Canvas, textWidth, type Colour } from './canvas.ts';
import { LETTER } from './font.ts';
import { classColour } from './palette.ts';
import { greyWindow, Panel } from './panel.ts';
import { chooseViews } from './slices.ts';

/** What is laid over the slices. */
export interface PictureInput {
  readonly image: Volume;
  /** Label maps on the grid of the image; one column each, from left to right. */
  readonly columns: readonly { readonly title: string; readonly labels: Volume<Uint8Array> }[];
  /** Names, background first. */
  readonly classes: readonly string[];
  /** A word behind each name in the legend, such as its Dice; background first. */
  readonly notes?: readonly string[];
  /** A line below it all. */
  readonly caption?: string;
}

const BACKGROUND: Colour = [18, 20, 24];
const TEXT: Colour = [225, 228, 232];
const QUIET: Colour = [140, 146, 154];

const GAP = 12;
const TITLE = 26;
const CAPTION = 26;
const SWATCH = 14;
const LEGEND_LINE = 24;

/** Pixels along the longest side of a panel. */
const PANEL = 330;

/**
 * A PNG of three slices (axial, coronal, sagittal; those where most structures are seen) with label maps over them side by
 * side, in true proportions, the subject's left on the left, and a legend of the classes.
 */
export function drawPicture(input: PictureInput): Buffer {
  const { columns, classes, notes, caption } = input;
  checkGrids(input);
  const panels = panelsOf(columns[0]!.labels);
  const panelWidth = Math.max(...panels.map(({ width }) => width));
  const legend = legendLines(classes, notes);
  const legendLeft = GAP + columns.length * (panelWidth + GAP) + GAP;
  const legendWidth = SWATCH + GAP + Math.max(...legend.map((line) => textWidth(line)));
  const line = `left is the subject's left${caption ? `; ${caption}` : ''}`;
  const width = Math.max(legendLeft + legendWidth, GAP + textWidth(line)) + GAP;
  const panelsHeight = panels.reduce((sum, panel) => sum + panel.height + GAP, 0);
  const height = TITLE + GAP + Math.max(panelsHeight, legend.length * LEGEND_LINE + GAP) + CAPTION;
  const canvas = new Canvas(width, height, BACKGROUND);
  const window = greyWindow(input.image);
  for (const [column, { title, labels }] of columns.entries()) {
    const left = GAP + column * (panelWidth + GAP);
    canvas.text(left, GAP, title, TEXT);
    let top = TITLE + GAP;
    for (const panel of panels) {
      const inset = left + ((panelWidth - panel.width) >> 1);
      panel.draw(canvas, inset, top, { image: input.image, labels, window });
      labelEnds(canvas, panel, inset, top);
      top += panel.height + GAP;
    }
  }
  drawLegend(canvas, legendLeft, TITLE + GAP, legend);
  canvas.text(GAP, canvas.height - CAPTION + 4, line, QUIET);
  return canvas.encode();
}

function checkGrids({ image, columns }: PictureInput): void {
  if (columns.length === 0) throw new RangeError('a picture needs at least one label map');
  for (const { title, labels } of columns)
    if (labels.size.some((length, axis) => length !== image.size[axis]))
      throw new RangeError(`${title} is ${labels.size.join(' × ')}, and the image ${image.size.join(' × ')}`);
}

/** The three slices of a label map, scaled alike so that the longest side of any is PANEL pixels. */
function panelsOf(labels: Volume<Uint8Array>): readonly Panel[] {
  const views = chooseViews(labels);
  const sides = views.flatMap(({ horizontal: h, vertical: v }) => [h.length * h.spacing, v.length * v.spacing]);
  return views.map((view) => new Panel(view, PANEL / Math.max(...sides)));
}

/** Names of the structures, with what is to be noted in a column of its own. */
function legendLines(classes: readonly string[], notes: readonly string[] | undefined): readonly string[] {
  const names = classes.slice(1).map((name) => name.replaceAll('_', ' '));
  const longest = Math.max(...names.map((name) => name.length));
  return names.map((name, i) => (notes ? `${name.padEnd(longest)}  ${notes[i + 1] ?? ''}` : name));
}

function drawLegend(canvas: Canvas, left: number, top: number, lines: readonly string[]): void {
  for (const [i, line] of lines.entries()) {
    const y = top + i * LEGEND_LINE;
    canvas.fill(left, y, SWATCH, SWATCH, classColour(i + 1));
    canvas.text(left + SWATCH + GAP, y, line, TEXT);
  }
}

/** L and R, P and A, I and S at the edges of a panel. */
function labelEnds(canvas: Canvas, panel: Panel, left: number, top: number): void {
  const { horizontal, vertical, plane } = panel.view;
  const middle = top + (panel.height >> 1) - LETTER.height;
  const centre = left + (panel.width >> 1) - LETTER.advance;
  const right = left + panel.width - textWidth('R') - 2;
  const bottom = top + panel.height - 2 * LETTER.height - 2;
  canvas.rimmedText(left + 4, middle, horizontal.ends[0], TEXT);
  canvas.rimmedText(right, middle, horizontal.ends[1], TEXT);
  canvas.rimmedText(centre, top + 4, vertical.ends[1], TEXT);
  canvas.rimmedText(centre, bottom, vertical.ends[0], TEXT);
  canvas.rimmedText(left + 4, top + 4, plane, QUIET, 1);
}
