// The lanes of face and voice on the recording's clock. The table that the server made beside it says the same.
import { clock, gapsOf, nearest, ranked, stacked } from "../lib/lanes.js";

const FACE_HEIGHT = 190; // px
const VOICE_HEIGHT = 130; // px
const KEY_STEP = 0.2; // seconds, a point of the timeline
const DRAG = 4; // px; less is a click
const SOURCES = ["face", "voice", "both"]; // what an expression is read from

class EmotionTimeline extends HTMLElement {
  connectedCallback() {
    this.review = this.closest("answer-review");
    this.status = this.querySelector("[data-part=status]");
    this.observer = new IntersectionObserver(([entry]) => { if (entry.isIntersecting) this.#begin(); }, { rootMargin: "400px" });
    this.observer.observe(this);
  }

  disconnectedCallback() {
    this.observer.disconnect();
    this.resizer?.disconnect();
    this.review?.removeEventListener("clock", this.hear);
    document.removeEventListener("theme-changed", this.repaint);
    this.scheme?.removeEventListener("change", this.repaint);
    for (const chart of this.charts ?? []) chart.destroy();
  }

  async #begin() {
    this.observer.disconnect();
    try {
      const [{ default: UPlot }, response] = await Promise.all([import(this.dataset.chart), fetch(this.dataset.source)]);
      if (!response.ok) throw new Error(String(response.status));
      this.UPlot = UPlot;
      this.data = await response.json();
    } catch (error) {
      console.warn("No chart:", error.message);
      this.#failed();
      return;
    }
    this.#build();
  }

  #failed() {
    const again = document.createElement("button");
    again.className = "button button--small";
    again.textContent = this.dataset.reload;
    again.onclick = () => { again.remove(); this.#begin(); };
    this.status.textContent = this.dataset.failed;
    this.status.after(again);
  }

  #build() {
    this.status.remove();
    this.step = 1 / (this.data.rate || 5);
    this.source = SOURCES.find((name) => this.#wasRead(name)) ?? "face";
    this.legend = this.#make("ul", "timeline__legend");
    this.legend.setAttribute("role", "list");
    this.place = this.#make("div", "timeline__lanes");
    this.place.dir = "ltr"; // time runs to the right in every language
    this.slider = this.#makeSlider();
    this.readout = this.#make("p", "timeline__readout numbers");
    this.append(this.#makeChoice(), this.legend, this.place, this.slider.parentElement, this.readout);
    this.#drawLegend();
    this.#draw();
    this.hear = ({ detail }) => this.#show(detail);
    this.review.addEventListener("clock", this.hear);
    this.repaint = () => { this.#drawLegend(); this.#draw(); };
    document.addEventListener("theme-changed", this.repaint);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.scheme.addEventListener("change", this.repaint);
    this.resizer = new ResizeObserver(() => this.#resize());
    this.resizer.observe(this.place);
    this.#show(this.review.seconds);
    this.dataset.drawn = "";
  }

  // --- What is drawn ---

  #draw() {
    for (const chart of this.charts ?? []) chart.destroy();
    this.place.replaceChildren();
    this.charts = [this.#expressionLane(), this.#voiceLane()];
    this.#show(this.review.seconds);
  }

  #expressionLane() {
    const { at, labels } = this.data;
    const layers = stacked(this.data[this.source]);
    const tones = [...labels].reverse().map((label) => this.#token(`--tone-${label}`));
    const seam = this.#token("--surface-raised");
    const series = layers.map((_, index) => ({ stroke: seam, width: 1, fill: tones[index], points: { show: false } }));
    return this.#lane(FACE_HEIGHT, [at, ...layers], series, { y: { range: [0, 1] } }, [
      this.#axis({ label: this.dataset[this.source], values: (_, ticks) => ticks.map((tick) => `${Math.round(tick * 100)} %`) }),
    ], gapsOf(at, this.#gaps(), this.step));
  }

  #voiceLane() {
    const { at, speech, pitch, arousal } = this.data;
    const none = { show: false };
    const series = [
      { scale: "share", fill: this.#token("--accent-soft"), width: 0, points: none },
      { scale: "z", stroke: this.#token("--tone-angry"), width: 2, points: none },
      { scale: "semitones", stroke: this.#token("--tone-sad"), width: 1.5, dash: [4, 3], points: none },
    ];
    const around = (least) => (_, low, high) => {
      const edge = Math.max(least, Math.abs(low ?? 0), Math.abs(high ?? 0));
      return [-edge, edge];
    };
    const scales = { share: { range: [0, 1] }, z: { range: around(2) }, semitones: { range: around(6) } };
    return this.#lane(VOICE_HEIGHT, [at, speech, arousal, pitch], series, scales, [
      this.#axis({ scale: "z", label: this.dataset.tone, values: (_, ticks) => ticks.map((tick) => signed(tick)) }),
    ], gapsOf(at, this.data.sound_gap, this.step));
  }

  // Why the lane is empty at a moment. Together they have a gap only where both have one.
  #gaps() {
    const { face_gap, voice_gap, both } = this.data;
    if (this.source === "both") return face_gap.map((reason, index) => (both[0][index] === null ? reason ?? voice_gap[index] : null));
    return this.source === "face" ? face_gap : voice_gap;
  }

  #wasRead(name) { return this.data[name][0].some((share) => share !== null); }

  #lane(height, data, series, scales, axes, gaps) {
    const longest = Math.max(this.data.duration || 0, this.data.at.at(-1) ?? 0);
    const options = {
      width: this.#width(), height, padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false }, sync: { key: `answer-${this.review.dataset.answer}` } },
      scales: { x: { time: false, range: [0, longest] }, ...scales },
      series: [{}, ...series],
      axes: [this.#axis({ side: 2, size: 28, values: (_, ticks) => ticks.map(clock), incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600] }), ...axes],
      hooks: { drawClear: [(chart) => this.#hatch(chart, gaps)], setCursor: [(chart) => this.#hover(chart)] },
    };
    const chart = new this.UPlot(options, data, this.place);
    chart.playhead = this.#make("div", "timeline__playhead");
    chart.over.append(chart.playhead);
    this.#listen(chart);
    return chart;
  }

  #axis(more) {
    return {
      stroke: this.#token("--ink-soft"), font: `12px ${getComputedStyle(this).fontFamily}`,
      labelFont: `600 12px ${getComputedStyle(this).fontFamily}`, labelSize: 18, size: 46,
      grid: { stroke: this.#token("--line"), width: 1 }, ticks: { stroke: this.#token("--line"), size: 4 }, ...more,
    };
  }

  // Gaps are hatched, so that "not readable" cannot be taken for "nothing there".
  #hatch(chart, gaps) {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.strokeStyle = this.#token("--line-strong");
    ctx.globalAlpha = 0.35;
    ctx.lineWidth = devicePixelRatio;
    for (const gap of gaps) {
      const left = chart.valToPos(gap.from, "x", true), right = chart.valToPos(gap.to, "x", true);
      ctx.save();
      ctx.beginPath();
      ctx.rect(left, bbox.top, right - left, bbox.height);
      ctx.clip();
      ctx.beginPath();
      for (let x = left - bbox.height; x < right; x += 7 * devicePixelRatio) {
        ctx.moveTo(x, bbox.top + bbox.height);
        ctx.lineTo(x + bbox.height, bbox.top);
      }
      ctx.stroke();
      ctx.restore();
    }
    ctx.restore();
  }

  #drawLegend() {
    const items = this.data.labels.map((label, index) => this.#key(label, this.data.label_words[index]));
    const voice = [["speech", this.dataset.speech], ["arousal", this.dataset.arousal], ["pitch", this.dataset.pitch]];
    this.legend.replaceChildren(...items, ...voice.map(([name, word]) => this.#key(name, word)));
  }

  #key(name, word) {
    const item = document.createElement("li");
    const swatch = this.#make("span", `timeline__swatch timeline__swatch--${name}`);
    swatch.setAttribute("aria-hidden", "true");
    item.append(swatch, word);
    return item;
  }

  #makeChoice() {
    const choice = this.#make("fieldset", "timeline__sources");
    const legend = document.createElement("legend");
    legend.textContent = this.dataset.sourceOf;
    choice.append(legend);
    for (const name of SOURCES) {
      const label = document.createElement("label");
      const radio = document.createElement("input");
      Object.assign(radio, { type: "radio", name: `source-${this.review.dataset.answer}`, value: name, checked: name === this.source, disabled: !this.#wasRead(name) });
      radio.addEventListener("change", () => { this.source = name; this.#draw(); });
      label.append(radio, this.dataset[name]);
      choice.append(label);
    }
    return choice;
  }

  // --- The clock, both ways ---

  #listen(chart) {
    let pressed = null;
    chart.over.addEventListener("pointerdown", (event) => { pressed = event.clientX; });
    chart.over.addEventListener("pointerup", (event) => {
      if (pressed === null || Math.abs(event.clientX - pressed) > DRAG) return;
      const left = event.clientX - chart.over.getBoundingClientRect().left;
      this.review.seek(chart.posToVal(left, "x"));
    });
  }

  #makeSlider() {
    const label = this.#make("label", "timeline__slider");
    const word = this.#make("span", "visually-hidden");
    word.textContent = this.dataset.moment;
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: 0, max: this.data.duration, step: KEY_STEP, value: 0, dir: "ltr" });
    slider.addEventListener("input", () => this.review.seek(slider.valueAsNumber));
    label.append(word, slider);
    return slider;
  }

  #show(seconds) {
    for (const chart of this.charts ?? []) {
      chart.playhead.style.transform = `translateX(${chart.valToPos(seconds, "x")}px)`;
    }
    if (document.activeElement !== this.slider || Math.abs(this.slider.valueAsNumber - seconds) > KEY_STEP) this.slider.value = seconds;
    this.slider.setAttribute("aria-valuetext", this.#words(seconds));
    if (!this.hovered) this.readout.textContent = this.#words(seconds);
  }

  #hover(chart) {
    this.hovered = chart.cursor.left >= 0 && chart.cursor.left <= chart.over.clientWidth;
    const seconds = this.hovered ? chart.posToVal(chart.cursor.left, "x") : this.review.seconds;
    this.readout.textContent = this.#words(seconds);
  }

  #words(seconds) {
    const { at, face, voice, label_words: words, face_gap, voice_gap, speech, pitch, arousal } = this.data;
    const index = nearest(at, seconds);
    const seen = leading(face, words, index) || (face_gap[index] ?? this.dataset.nothing);
    const heard = [leading(voice, words, index)].filter(Boolean);
    if (voice_gap[index]) heard.push(voice_gap[index]);
    else if (!heard.length && speech[index] >= 0.5) heard.push(this.dataset.speech);
    if (arousal[index] != null) heard.push(`${this.dataset.arousal} ${signed(arousal[index], 1)}`);
    if (pitch[index] != null) heard.push(`${this.dataset.pitch} ${signed(pitch[index], 1)} ${this.dataset.semitones}`);
    return `${clock(seconds)} · ${this.dataset.face}: ${seen} · ${this.dataset.voice}: ${heard.join(", ") || this.dataset.nothing}`;
  }

  // --- Small things ---

  #resize() {
    for (const chart of this.charts) chart.setSize({ width: this.#width(), height: chart.height });
    this.#show(this.review.seconds);
  }

  #width() { return Math.max(260, Math.floor(this.place.clientWidth)); }

  #make(name, className) {
    const made = document.createElement(name);
    made.className = className;
    return made;
  }

  // A token's colour as the canvas wants it: light-dark() resolved for the theme in force.
  #token(name) {
    this.probe ??= this.appendChild(this.#make("span", "timeline__probe"));
    this.probe.style.color = `var(${name})`;
    return getComputedStyle(this.probe).color;
  }
}

// The three most probable labels of a moment, in words; nothing in a gap.
function leading(shares, words, index) {
  const order = ranked(shares, words, index) ?? [];
  return order.slice(0, 3).filter(({ share }) => share >= 0.01).map(({ label, share }) => `${label} ${Math.round(share * 100)} %`).join(", ");
}

function signed(value, digits = 0) {
  return `${value > 0 ? "+" : ""}${value.toFixed(digits)}`.replace("-", "−");
}

customElements.define("emotion-timeline", EmotionTimeline);
