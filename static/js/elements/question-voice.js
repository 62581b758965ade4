// The question, read aloud: on the button, again on the button, or by itself once the person has pressed anything on
// this page. How fast is chosen once for all questions, and kept until this tab is closed.
const KEY = "question-rate";
const NORMAL = "1";

class QuestionVoice extends HTMLElement {
  connectedCallback() {
    this.audio = this.querySelector("audio");
    this.audio.preservesPitch = true;
    this.trouble = this.querySelector("[data-part=trouble]");
    this.querySelector("[data-do=play]").addEventListener("click", () => this.play());
    for (const button of this.#rates()) button.addEventListener("click", () => this.#choose(button.dataset.rate));
    this.audio.addEventListener("playing", () => { this.dataset.state = "playing"; });
    for (const end of ["pause", "ended"]) this.audio.addEventListener(end, () => { this.dataset.state = "quiet"; });
    this.setRate(chosen());
  }

  async play() {
    this.#warn(false);
    this.setRate(chosen());
    this.audio.currentTime = 0;
    // Not allowed before a gesture: the button stays. Anything else but a stop is worth a sentence.
    await this.audio.play().catch(({ name }) => this.#warn(!["NotAllowedError", "AbortError"].includes(name)));
  }

  stop() { this.audio?.pause(); }

  setRate(rate) {
    this.audio.defaultPlaybackRate = this.audio.playbackRate = Number(rate);
    for (const button of this.#rates()) button.setAttribute("aria-pressed", String(button.dataset.rate === rate));
  }

  disconnectedCallback() { this.stop(); }

  #rates() { return this.querySelectorAll("[data-rate]"); }

  #choose(rate) {
    try { sessionStorage.setItem(KEY, rate); } catch { /* kept for this page alone */ }
    for (const voice of document.querySelectorAll("question-voice")) voice.setRate(rate);
  }

  #warn(isBroken) { if (this.trouble) this.trouble.hidden = !isBroken; }
}

function chosen() {
  try { return sessionStorage.getItem(KEY) ?? NORMAL; } catch { return NORMAL; }
}
customElements.define("question-voice", QuestionVoice);
