// One chart of lines over epochs or steps, with its own legend. Its colours and dashes are those of the legend's marks,
// so that the style sheet alone decides them.
import { figure } from "./curves.js";

const HEIGHT = 200; // px
const DASHES = { dashed: [6, 4], dotted: [2, 3] };

export class LineChart {
  // series: [{ label, mark }], mark being the class of its legend's mark · sync: charts with the same word share a cursor
  constructor(UPlot, { title, series, sync, horizontal }) {
    Object.assign(this, { UPlot, series, sync, horizontal, seams: [] });
    this.element = make("figure", "curve");
    const head = make("figcaption", "curve__title");
    head.textContent = title;
    this.legend = make("ul", "curve__legend");
    this.legend.setAttribute("role", "list");
    this.values = series.map(({ label, mark }) => this.#key(label === title ? "" : label, mark));
    this.place = make("div", "curve__place");
    this.place.dir = "ltr"; // time runs to the right in every language
    this.element.append(head, this.legend, this.place);
    this.resizer = new ResizeObserver(() => this.#resize());
  }

  // Once it is in the page: only there it has a width and colours.
  begin(data) {
    this.data = data;
    this.#draw();
    this.resizer.observe(this.place);
  }

  show(data, seams = []) {
    this.data = data;
    this.seams = seams;
    if (!this.chart) return;
    this.chart.setData(data);
    this.#read(null);
  }

  repaint() {
    if (this.chart) this.#draw();
  }

  end() {
    this.resizer.disconnect();
    this.chart?.destroy();
  }

  #draw() {
    this.chart?.destroy();
    const style = getComputedStyle(this.element);
    const ink = style.getPropertyValue("color"), line = getComputedStyle(this.place).borderTopColor;
    const axis = { stroke: ink, font: `12px ${style.fontFamily}`, grid: { stroke: line, width: 1 }, ticks: { stroke: line, size: 4 } };
    this.chart = new this.UPlot({
      width: this.#width(), height: HEIGHT, padding: [8, 20, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false }, ...(this.sync ? { sync: { key: this.sync } } : {}) },
      scales: { x: { time: false } },
      series: [{}, ...this.values.map(({ mark }) => this.#line(mark))],
      axes: [
        { ...axis, size: 28, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000] },
        { ...axis, size: 58, values: (_, ticks) => ticks.map(short) },
      ],
      hooks: { drawClear: [(chart) => this.#drawSeams(chart, ink)], setCursor: [(chart) => this.#read(chart.cursor.idx)] },
    }, this.data, this.place);
    this.#read(null);
  }

  #line(mark) {
    const { borderTopColor, borderTopStyle } = getComputedStyle(mark);
    return { stroke: borderTopColor, width: 2, dash: DASHES[borderTopStyle], points: { show: (chart) => chart.data[0].length < 40 ? undefined : false, size: 5 }, spanGaps: false };
  }

  #drawSeams(chart, ink) {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.strokeStyle = ink;
    ctx.setLineDash([2 * devicePixelRatio, 4 * devicePixelRatio]);
    for (const seam of this.seams) {
      const x = chart.valToPos(seam, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  // The legend says the values under the cursor, or the last ones.
  #read(place) {
    const at = place ?? this.data[0].length - 1;
    this.values.forEach(({ value }, index) => { value.textContent = figure(this.data[index + 1][at]); });
  }

  #key(label, markClass) {
    const item = document.createElement("li"), mark = make("span", `curve__mark ${markClass}`), value = make("span", "numbers");
    mark.setAttribute("aria-hidden", "true");
    value.dir = "ltr";
    item.append(mark, label, " ", value);
    this.legend.append(item);
    return { mark, value };
  }

  #resize() {
    const width = this.#width();
    if (this.chart && this.chart.width !== width) this.chart.setSize({ width, height: HEIGHT });
  }

  #width() { return Math.max(220, Math.floor(this.place.clientWidth)); }
}

// Calls back when the colours change: another theme was chosen, or the device changed its own.
export function onColours(callback) {
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  document.addEventListener("theme-changed", callback);
  scheme.addEventListener("change", callback);
  return () => {
    document.removeEventListener("theme-changed", callback);
    scheme.removeEventListener("change", callback);
  };
}

export function make(name, className) {
  const made = document.createElement(name);
  made.className = className;
  return made;
}

function short(tick) {
  if (tick === null) return "";
  const size = Math.abs(tick);
  if (size >= 1e9) return `${tick / 1e9}G`;
  if (size >= 1e6) return `${tick / 1e6}M`;
  if (size >= 1e4) return `${tick / 1e3}k`;
  return size && size < 1e-3 ? tick.toExponential(0) : String(Number(tick.toPrecision(4)));
}
