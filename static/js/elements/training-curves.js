// The curves of one training run. They grow when the page is told to look: only epochs that are new are fetched.
// The table that the server makes below says the same.
//
// data-source: where the columns come from · data-chart: the chart library · data-…: words
import { LineChart, make, onColours } from "../lib/charts.js";
import { merged, seams } from "../lib/curves.js";

class TrainingCurves extends HTMLElement {
  #charts = new Map(); // name → LineChart
  #looking = false;
  #again = false;

  connectedCallback() {
    this.status = this.querySelector("[data-part=status]");
    this.news = this.closest("live-news");
    this.hear = () => this.#look();
    this.news?.addEventListener("looked", this.hear);
    this.forget = onColours(() => { for (const chart of this.#charts.values()) chart.repaint(); });
    this.#look();
  }

  disconnectedCallback() {
    this.news?.removeEventListener("looked", this.hear);
    this.forget();
    for (const chart of this.#charts.values()) chart.end();
  }

  async #look() {
    if (this.#looking) { this.#again = true; return; }
    this.#looking = true;
    this.#again = false;
    try {
      this.UPlot ??= (await import(this.dataset.chart)).default;
      const after = this.data?.numbers.at(-1) ?? 0;
      const response = await fetch(`${this.dataset.source}?after=${after}`, { credentials: "same-origin" });
      if (!response.ok) throw new Error(String(response.status));
      this.#take(await response.json());
    } catch (error) {
      console.warn("No curves:", error.message);
      if (!this.data) this.#failed();
    }
    this.#looking = false;
    if (this.#again) this.#look();
  }

  #failed() {
    const again = make("button", "button button--small");
    again.textContent = this.dataset.reload;
    again.onclick = () => { again.remove(); this.#look(); };
    this.status.textContent = this.dataset.failed;
    if (!this.status.nextElementSibling?.matches("button")) this.status.after(again);
  }

  #take(fresh) {
    const began = performance.now();
    this.data = merged(this.data, fresh);
    const { numbers, phases, figures, recalls, steps } = this.data;
    this.status.hidden = numbers.length > 0 || Boolean(steps.step?.length);
    this.status.textContent = this.dataset.waiting;
    const lines = seams(numbers, phases);
    for (const { name, title, series } of this.data.charts) {
      const columns = series.map(([figure]) => figures[figure]);
      this.#show(name, [numbers, ...columns], lines, () => ({
        title, sync: "epochs", series: series.map(([figure, label]) => ({ label, mark: `curve__mark--${figure.split("_")[0]}` })),
      }));
    }
    const labels = Object.keys(recalls);
    if (labels.length) {
      this.#show("recalls", [numbers, ...labels.map((label) => recalls[label])], lines, () => ({
        title: this.dataset.recallTitle, sync: "epochs",
        series: labels.map((label) => ({ label: this.data.label_words[label], mark: `curve__mark--${label}` })),
      }));
    }
    if (steps.step?.length) {
      this.#show("steps", [steps.step, steps.loss], [], () => ({
        title: this.dataset.stepsTitle, series: [{ label: this.dataset.step, mark: "curve__mark--train" }],
      }));
    }
    this.dataset.drawn = String(numbers.length);
    requestAnimationFrame(() => { this.dataset.took = (performance.now() - began).toFixed(1); }); // ms, painting included
  }

  #show(name, data, lines, describe) {
    const known = this.#charts.get(name);
    if (known) { known.show(data, lines); return; }
    const chart = new LineChart(this.UPlot, describe());
    this.#charts.set(name, chart);
    this.append(chart.element);
    chart.begin(data);
    chart.show(data, lines);
  }
}
customElements.define("training-curves", TrainingCurves);
