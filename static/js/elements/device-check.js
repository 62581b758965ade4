// Camera, microphone, and a test of three seconds. Nothing of it is sent.
import { closeCamera, findLength, obstacle, openCamera, recorderOf, wordFor } from "../lib/recording.js";
import { show } from "../lib/showing.js";
import { wordsOf } from "../lib/words.js";

const TEST = 3000; // ms
const SILENT = 0.02; // of the meter

class DeviceCheck extends HTMLElement {
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

  disconnectedCallback() { closeCamera(this.stream); }

  #do(action) {
    if (action === "open") this.#open();
    if (action === "test") this.#test();
    if (action === "again") this.#live();
    if (action === "listen") this.playback.play();
  }

  async #open() {
    this.#part("trouble").hidden = true;
    show(this, "asking");
    try {
      this.stream = await openCamera();
    } catch (error) {
      return this.#fail(wordFor(error));
    }
    for (const track of this.stream.getTracks()) {
      track.addEventListener("ended", () => this.#fail("NotReadableError"), { once: true });
    }
    this.preview.srcObject = this.stream;
    this.preview.play();
    this.level.listen(this.stream);
    this.#announce("camera-on");
    return this.#live();
  }

  #live() {
    show(this, "live");
    this.querySelector("[data-do=test]").focus();
  }

  async #test() {
    const blobs = [];
    this.level.loudest = 0;
    const recorder = recorderOf(this.stream, {
      videoBits: Number(this.dataset.videoBits), audioBits: Number(this.dataset.audioBits),
    });
    recorder.ondataavailable = ({ data }) => blobs.push(data);
    recorder.onstop = () => this.#tested(new Blob(blobs, { type: recorder.mimeType }));
    show(this, "testing");
    this.#announce("recording");
    recorder.start();
    setTimeout(() => recorder.state === "recording" && recorder.stop(), TEST);
  }

  #tested(clip) {
    URL.revokeObjectURL(this.playback.src);
    findLength(this.playback);
    this.playback.src = URL.createObjectURL(clip);
    show(this, "tested");
    this.#part("quiet").hidden = this.level.loudest > SILENT;
    this.#part("tested-text").focus();
  }

  #fail(word) {
    closeCamera(this.stream);
    this.#part("trouble-text").textContent = this.say(word);
    this.#part("trouble").hidden = false;
    show(this, ["insecure", "unsupported"].includes(word) ? "impossible" : "failed");
  }

  #announce(word) { this.#part("announce").textContent = this.say(word); }

  #part(name) { return this.querySelector(`[data-part="${name}"]`); }
}
customElements.define("device-check", DeviceCheck);
