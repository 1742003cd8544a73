import { renderChart, type ChartOptions } from './chart.ts';

/** Throughput over the number of workers. */
export interface ThroughputSeries {
  readonly name: string;
  readonly points: readonly (readonly [workers: number, samplesPerSecond: number])[];
}

/** A schedule's, with one of several numbers of micro-batches. */
export interface MeasuredSeries extends ThroughputSeries {
  /** Series of one family have a colour and a symbol, those of one variant a kind of line. */
  readonly family: number;
  readonly variant: number;
}

export interface ThroughputPlot {
  readonly title: string;
  readonly subtitle: string;
  readonly measured: readonly MeasuredSeries[];
  /** So many times what one worker does. */
  readonly ideal: ThroughputSeries;
  /** What as many independent workers do side by side. */
  readonly ceiling: ThroughputSeries;
}

const WIDTH = 900;
const HEIGHT = 560;
/** Told apart by people who see few colours, too (Okabe and Ito, 2008). */
const colours = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9'];
const symbols = ['circle', 'rect', 'triangle', 'diamond', 'pin', 'arrow'];
const lines = ['solid', 'dashed', 'dotted'];
const grey = '#777777';
/** Entries of the legend that stand side by side. */
const LEGEND_COLUMNS = 4;
const LEGEND_ROW = 24;

/** Throughput against the number of workers, with the ideal and the machine's own ceiling, as an SVG. */
export function throughputSvg({ title, subtitle, measured, ideal, ceiling }: ThroughputPlot): string {
  const all = [...measured, ideal, ceiling];
  const workers = [...new Set(all.flatMap(({ points }) => points.map(([x]) => x)))].toSorted((a, b) => a - b);
  const line = ({ name, points }: ThroughputSeries, look: Record<string, unknown>): Record<string, unknown> => ({
    ...{ name, type: 'line', data: points.map(([x, y]) => [x, y]), ...look },
  });
  const reference = (type: string): Record<string, unknown> => ({
    symbol: 'none',
    lineStyle: { type, color: grey, width: 2 },
    itemStyle: { color: grey },
  });
  const option: ChartOptions = {
    title: { text: title, subtext: subtitle, left: 'center', subtextStyle: { color: '#555555' } },
    legend: { bottom: 8, itemWidth: 36 },
    grid: { left: 70, right: 40, top: 84, bottom: 60 + LEGEND_ROW * Math.ceil(all.length / LEGEND_COLUMNS) },
    xAxis: {
      ...{
        type: 'value',
        name: 'workers',
        nameLocation: 'middle',
        nameGap: 32,
      },
      ...{ min: Math.max(0, (workers[0] ?? 1) - 0.25), max: (workers.at(-1) ?? 1) + 0.25, minInterval: 1 },
      axisLabel: { customValues: workers },
      axisTick: { customValues: workers },
      splitLine: { show: false },
    },
    yAxis: { type: 'value', name: 'samples / s', min: 0 },
    series: [
      line(ideal, { ...reference('dashed'), itemStyle: { opacity: 0 } }),
      line(ceiling, { ...reference('solid'), symbol: 'emptyCircle', symbolSize: 8 }),
      ...measured.map(({ family, variant, ...series }) => {
        const color = colours[family % colours.length];
        return line(series, {
          ...{ symbol: symbols[family % symbols.length], symbolSize: 10 },
          lineStyle: { color, width: 2, type: lines[variant % lines.length] },
          itemStyle: { color },
        });
      }),
    ],
  };
  return renderChart(option, WIDTH, HEIGHT);
}
