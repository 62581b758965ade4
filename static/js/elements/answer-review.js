// One clock for a recording, its transcript and its timeline: whoever is inside hears "clock" and may ask to seek.
class AnswerReview extends HTMLElement {
  connectedCallback() {
    // Media events do not bubble, but they can be caught on their way down; the video itself may be replaced.
    for (const name of ["timeupdate", "seeking", "seeked", "loadedmetadata"]) {
      this.addEventListener(name, () => this.#tell(), true);
    }
    this.addEventListener("play", () => this.#run(), true);
    this.addEventListener("keydown", (event) => this.#key(event));
    // Evidence in the report: a link to a second of an answer. Of this one, there is no need to load the page again.
    this.follow = (event) => this.#follow(event);
    document.addEventListener("click", this.follow);
    this.arrive = () => this.#arrive();
    window.addEventListener("hashchange", this.arrive);
    this.#arrive();
  }

  disconnectedCallback() {
    cancelAnimationFrame(this.frame);
    document.removeEventListener("click", this.follow);
    window.removeEventListener("hashchange", this.arrive);
  }

  get media() { return this.querySelector("video, audio"); }

  get seconds() { return this.media?.currentTime ?? 0; }

  seek(seconds, { play = false } = {}) {
    const media = this.media;
    if (!media) return;
    media.currentTime = Math.max(0, seconds);
    if (play) media.play().catch(() => {}); // a browser may want a gesture first; the place is set anyhow
    this.#tell(seconds);
  }

  #run() {
    cancelAnimationFrame(this.frame);
    const step = () => {
      this.#tell();
      if (this.media && !this.media.paused && !this.media.ended) this.frame = requestAnimationFrame(step);
    };
    step();
  }

  #tell(seconds = this.seconds) {
    this.dispatchEvent(new CustomEvent("clock", { detail: seconds }));
  }

  #follow(event) {
    const link = event.target.closest?.("a[data-answer][data-seconds]");
    if (!link || link.dataset.answer !== this.dataset.answer || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    this.#arrive();
  }

  // The address may name a second: …#t=12.5
  #arrive() {
    const seconds = Number(/^#t=(\d+(?:\.\d+)?)$/.exec(location.hash)?.[1] ?? NaN);
    if (Number.isNaN(seconds)) return;
    this.seek(seconds);
    this.scrollIntoView({ block: "start" });
  }

  #key(event) {
    if (event.target.closest("input, textarea, select, button, a, summary, video, [contenteditable]")) return;
    if (event.key === " " && event.target.closest("transcript-player")) {
      event.preventDefault();
      if (this.media?.paused) this.media.play().catch(() => {}); else this.media?.pause();
    }
  }
}
customElements.define("answer-review", AnswerReview);
