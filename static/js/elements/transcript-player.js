// Words that follow the recording, and that the recording follows when they are pressed. The times in front of each
// passage are buttons; inside the text, the arrow keys go from word to word.
class TranscriptPlayer extends HTMLElement {
  connectedCallback() {
    this.review = this.closest("answer-review");
    this.words = [...this.querySelectorAll("span[data-at]")];
    this.starts = this.words.map((word) => Number(word.dataset.at));
    this.hear = ({ detail }) => this.#mark(detail);
    this.review.addEventListener("clock", this.hear);
    this.addEventListener("click", ({ target }) => {
      const pressed = target.closest("[data-at]");
      if (pressed && !getSelection().toString()) this.review.seek(Number(pressed.dataset.at), { play: pressed.localName === "button" });
    });
    this.addEventListener("keydown", (event) => this.#key(event));
    this.#mark(this.review.seconds);
  }

  disconnectedCallback() { this.review?.removeEventListener("clock", this.hear); }

  #key(event) {
    if (event.target !== this) return;
    const isRtl = getComputedStyle(this).direction === "rtl";
    const step = { ArrowRight: isRtl ? -1 : 1, ArrowLeft: isRtl ? 1 : -1 }[event.key];
    if (!step || !this.words.length) return;
    event.preventDefault();
    const next = Math.min(this.words.length - 1, Math.max(0, (this.at ?? (step > 0 ? -1 : 0)) + step));
    this.review.seek(this.starts[next] + 0.001);
  }

  #mark(seconds) {
    const at = this.#wordAt(seconds);
    if (at === this.at) return;
    this.words[this.at]?.removeAttribute("aria-current");
    this.at = at;
    const word = this.words[at];
    if (!word) return;
    word.setAttribute("aria-current", "true");
    if (!this.matches(":hover")) this.#keepInView(word);
  }

  // The last word that has begun. None before the first.
  #wordAt(seconds) {
    let low = 0, high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle] <= seconds) low = middle + 1; else high = middle;
    }
    return low ? low - 1 : undefined;
  }

  // Only the text scrolls, never the page under somebody's hands.
  #keepInView(word) {
    const box = this.getBoundingClientRect(), its = word.getBoundingClientRect();
    if (its.top < box.top + 24 || its.bottom > box.bottom - 24) {
      this.scrollTop += its.top - box.top - box.height / 3;
    }
  }
}
customElements.define("transcript-player", TranscriptPlayer);
