// Records a clip, or sound alone, to be tried at once. Nothing leaves the device before "Read it" is pressed.
import { closeCamera, findLength, obstacle, openCamera, openMicrophone, recorderOf, wordFor } from "../lib/recording.js";
import { show } from "../lib/showing.js";
import { wordsOf } from "../lib/words.js";

class ClipRecorder extends HTMLElement {
  connectedCallback() {
    this.say = wordsOf(this);
    this.level = this.querySelector("level-meter");
    this.preview = this.#part("preview");
    this.playback = this.#part("playback");
    this.addEventListener("click", ({ target }) => this.#do(target.closest("[data-do]")?.dataset.do));
    addEventListener("pagehide", () => this.disconnectedCallback());
    const problem = obstacle();
    if (problem) this.#fail(problem);
    else show(this, "start");
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    closeCamera(this.stream);
    this.level?.silence();
  }

  #do(action) {
    if (action === "camera") this.#open(openCamera);
    if (action === "microphone") this.#open(openMicrophone);
    if (action === "record") this.#record();
    if (action === "stop") this.recorder?.stop();
    if (action === "again") this.#again();
    if (action === "deliver") this.closest("bring-files").deliver([this.clip]);
  }

  async #open(device) {
    this.#part("trouble").hidden = true;
    show(this, "asking");
    try {
      this.stream = await device();
    } catch (error) {
      return this.#fail(wordFor(error));
    }
    this.hasPicture = this.stream.getVideoTracks().length > 0;
    this.preview.srcObject = this.hasPicture ? this.stream : null;
    if (this.hasPicture) this.preview.play().catch(() => {});
    this.level.listen(this.stream);
    return this.#again();
  }

  #again() {
    show(this, "live");
    this.#part("stage").hidden = !this.hasPicture;
    this.querySelector("[data-do=record]").focus();
  }

  #record() {
    const blobs = [];
    this.recorder = recorderOf(this.stream, {
      videoBits: Number(this.dataset.videoBits), audioBits: Number(this.dataset.audioBits),
    });
    this.recorder.ondataavailable = ({ data }) => blobs.push(data);
    this.recorder.onstop = () => this.#recorded(new Blob(blobs, { type: this.recorder.mimeType }));
    this.recorder.start();
    show(this, "recording");
    this.#part("stage").hidden = !this.hasPicture;
    const began = Date.now();
    const tick = () => { this.#part("clock").textContent = `${Math.floor((Date.now() - began) / 1000)} s`; };
    tick();
    this.timer = setInterval(tick, 500);
    this.querySelector("[data-do=stop]").focus();
  }

  #recorded(clip) {
    clearInterval(this.timer);
    this.clip = clip;
    URL.revokeObjectURL(this.playback.src);
    findLength(this.playback);
    this.playback.src = URL.createObjectURL(clip);
    show(this, "recorded");
    this.#part("stage").hidden = false;
    this.querySelector("[data-do=deliver]").focus();
  }

  #fail(word) {
    closeCamera(this.stream);
    this.#part("trouble-text").textContent = this.say(word);
    this.#part("trouble").hidden = false;
    show(this, ["insecure", "unsupported"].includes(word) ? "impossible" : "start");
  }

  #part(name) { return this.querySelector(`[data-part="${name}"]`); }
}
customElements.define("clip-recorder", ClipRecorder);
