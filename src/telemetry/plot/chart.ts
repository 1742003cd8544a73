import { createRequire } from 'node:module';
import { Resvg } from '@resvg/resvg-js';
import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, setPlatformAPI, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const FONT = 'DejaVu Sans';
/** Of a letter of this font to its height, on average; wide enough that no text runs into the next. */
const LETTER_WIDTH = 0.62;

// Without a browser nobody can measure a text, and the guess that stands in for it is for a narrower font.
setPlatformAPI({
  measureText: (text, font) => ({ width: text.length * LETTER_WIDTH * Number(/(\d+)px/.exec(font ?? '')?.[1] ?? 12) }),
});

export type ChartOptions = Readonly<Record<string, unknown>>;

/** A chart as the text of an SVG file, without a browser. */
export function renderChart(options: ChartOptions, width: number, height: number): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    const plain = { animation: false, backgroundColor: '#ffffff', textStyle: { fontFamily: FONT } };
    chart.setOption({ ...plain, ...options });
    return chart.renderToSVGString();
  } finally {
    // A chart that is left keeps timers, and they the process.
    chart.dispose();
  }
}

/** The picture of an SVG, at twice its size for a sharp look. Its letters come from the package: a bare machine has none. */
export function pngOf(svg: string): Uint8Array {
  const font = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf');
  const bold = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf');
  const picture = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: 2 },
    font: { fontFiles: [font, bold], loadSystemFonts: false, defaultFontFamily: FONT, sansSerifFamily: FONT },
  });
  return picture.render().asPng();
}
