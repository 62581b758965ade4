// One figure of several training runs on one chart. Which one is chosen; every run's table is linked beside.
//
// links with data-curves (where a run's columns come from) and data-name · data-chart: the chart library · data-…: words
import { LineChart, make, onColours } from "../lib/charts.js";
import { aligned } from "../lib/curves.js";

const FIRST = "validation_uar"; // shown first, where the runs have it
const MARKS = 6; // that differ in colour and dash

class ComparedCurves extends HTMLElement {
  async connectedCallback() {
    this.status = this.querySelector("[data-part=status]");
    this.forget = onColours(() => this.chart?.repaint());
    const links = [...this.querySelectorAll("[data-curves]")];
    if (!this.dataset.chart) { this.#say(this.dataset.without); return; }
    try {
      const [{ default: UPlot }, ...runs] = await Promise.all([import(this.dataset.chart), ...links.map((link) => columnsOf(link.dataset.curves))]);
      this.#build(UPlot, runs.map((run, index) => ({ ...run, name: links[index].dataset.name })));
    } catch (error) {
      console.warn("No curves:", error.message);
      this.#say(this.dataset.failed);
    }
  }

  disconnectedCallback() {
    this.forget();
    this.chart?.end();
  }

  #build(UPlot, runs) {
    const charts = new Map(runs.flatMap((run) => run.charts).map((chart) => [chart.name, chart]));
    if (!charts.size) { this.#say(this.dataset.waiting); return; }
    const names = [...charts.values()].flatMap(({ title, series }) => series.map(([figure, part]) => [figure, series.length > 1 || figure.startsWith("validation") ? `${title} (${part})` : title]));
    this.choice = this.#makeChoice(names);
    this.chart = new LineChart(UPlot, {
      title: "", series: runs.map(({ name }, index) => ({ label: name, mark: `curve__mark--run-${index % MARKS}` })),
    });
    this.prepend(this.choice.parentElement, this.chart.element);
    this.chart.begin(aligned(runs, this.choice.value));
    this.choice.addEventListener("change", () => this.chart.show(aligned(runs, this.choice.value)));
    this.dataset.drawn = "";
  }

  #say(text) {
    this.status.hidden = false;
    this.status.textContent = text;
  }

  #makeChoice(names) {
    const field = make("label", "field curves__choice"), word = make("span", "field__label");
    const select = document.createElement("select");
    word.textContent = this.dataset.figure;
    for (const [figure, title] of names) select.append(new Option(title, figure, false, figure === FIRST));
    field.append(word, select);
    return select;
  }
}

async function columnsOf(source) {
  const response = await fetch(source, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`${response.status} from ${source}`);
  return response.json();
}
customElements.define("compared-curves", ComparedCurves);
