// How loud the microphone is: give it a stream. `loudest` says whether anything was heard since `listen`.
const OFTEN = 80; // ms

class LevelMeter extends HTMLElement {
  loudest = 0;
  #timer;
  #context;

  listen(stream) {
    this.silence();
    this.meter = this.querySelector("meter");
    this.#context = new AudioContext();
    const analyser = new AnalyserNode(this.#context, { fftSize: 1024 });
    this.#context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = setInterval(() => this.#show(analyser, samples), OFTEN);
    this.wake = () => this.#context?.resume();
    document.addEventListener("pointerdown", this.wake, { once: true });
    document.addEventListener("keydown", this.wake, { once: true });
  }

  silence() {
    clearInterval(this.#timer);
    this.#context?.close();
    this.#context = undefined;
  }

  disconnectedCallback() { this.silence(); }

  #show(analyser, samples) {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    const level = Math.min(1, Math.sqrt(power) * 4); // speech at arm's length is near .05 to .2
    this.loudest = Math.max(this.loudest, level);
    this.meter.value = level;
  }
}
customElements.define("level-meter", LevelMeter);
