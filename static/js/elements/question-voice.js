// The question, read aloud: on the button, or by itself once the person has pressed anything on this page.
class QuestionVoice extends HTMLElement {
  connectedCallback() {
    this.audio = this.querySelector("audio");
    this.querySelector("[data-do=play]").addEventListener("click", () => this.play());
  }

  async play() {
    this.audio.currentTime = 0;
    await this.audio.play().catch(() => {}); // not allowed before a gesture: the button stays
  }

  stop() { this.audio?.pause(); }

  disconnectedCallback() { this.stop(); }
}
customElements.define("question-voice", QuestionVoice);
