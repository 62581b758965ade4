// Answers an item with a few seconds of voice. What was understood is shown first and counts when it is confirmed;
// whatever goes wrong, the answers can be clicked. The sound goes to the clinic only, and is deleted there once heard.
import { closeCamera, obstacle, openMicrophone, recorderOf, wordFor } from "../lib/recording.js";
import { show } from "../lib/showing.js";
import { wordsOf } from "../lib/words.js";

const LONGEST = 8000; // ms of speech
const ASK_EVERY = 700, ASK_UNTIL = 60_000; // ms

class SpokenAnswer extends HTMLElement {
  connectedCallback() {
    this.say = wordsOf(this);
    this.addEventListener("click", ({ target }) => this.#do(target.closest("[data-do]")?.dataset.do));
    addEventListener("pagehide", () => this.disconnectedCallback());
    show(this, obstacle() ? "plain" : "start");
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
    closeCamera(this.stream);
  }

  #do(action) {
    if (action === "speak") this.#record();
    if (action === "stop") this.recorder?.stop();
    if (action === "yes") this.#confirm();
    if (action === "no") this.#again("clicked");
  }

  async #record() {
    this.#tell("asking");
    show(this, "busy");
    try {
      this.stream = await openMicrophone();
    } catch (error) {
      return this.#again(wordFor(error));
    }
    const blobs = [];
    this.recorder = recorderOf(this.stream, { audioBits: 64_000 });
    this.recorder.ondataavailable = ({ data }) => blobs.push(data);
    this.recorder.onstop = () => this.#send(new Blob(blobs, { type: this.recorder.mimeType }));
    this.recorder.start();
    this.timer = setTimeout(() => this.recorder.stop(), LONGEST);
    this.#tell("speaking");
    show(this, "speaking");
    this.querySelector("[data-do=stop]").focus();
    return undefined;
  }

  async #send(sound) {
    this.disconnectedCallback();
    this.#tell("hearing");
    show(this, "busy");
    const body = new FormData();
    body.append("csrfmiddlewaretoken", this.closest("scale-item").querySelector("[name=csrfmiddlewaretoken]").value);
    body.append("sound", sound, "answer");
    try {
      const sent = await fetch(this.dataset.source, { method: "POST", body, credentials: "same-origin", redirect: "error" });
      if (!sent.ok) return this.#again("", (await sent.json()).detail);
      return this.#take(await this.#understood());
    } catch (error) {
      console.warn("Not understood:", error.message);
      return this.#again("away");
    }
  }

  async #understood() {
    for (const until = Date.now() + ASK_UNTIL; Date.now() < until;) {
      await new Promise((resolve) => { this.timer = setTimeout(resolve, ASK_EVERY); });
      const response = await fetch(this.dataset.source, { credentials: "same-origin", redirect: "error" });
      if (!response.ok) throw new Error(String(response.status));
      const told = await response.json();
      if (["done", "failed"].includes(told.state)) return told;
      this.querySelector("progress").value = told.percent;
    }
    throw new Error("too late");
  }

  #take({ state, reason, value, label, text }) {
    if (state === "failed") return this.#again("", reason);
    if (value === null) return this.#again(text ? "unclear" : "silent");
    this.value = value;
    this.querySelector("[data-part=answer]").textContent = `${value} · ${label}`;
    this.#tell("");
    show(this, "confirm");
    this.querySelector("[data-do=yes]").focus();
    return undefined;
  }

  #confirm() {
    this.dispatchEvent(new CustomEvent("spoken", { detail: { value: this.value }, bubbles: true }));
    this.#again("");
  }

  #again(word, sentence = "") {
    closeCamera(this.stream);
    this.#tell(word, sentence);
    show(this, "start");
  }

  #tell(word, sentence = "") {
    const place = this.querySelector("[data-part=said]");
    place.textContent = sentence || (word && this.say(word));
    place.hidden = !place.textContent;
  }
}
customElements.define("spoken-answer", SpokenAnswer);
