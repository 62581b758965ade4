// One item of a questionnaire: what is chosen is kept at once, and the crisis text shows before any server answers.
// Without this script the button "Next" keeps the answer.
const SETTLED = 700; // ms: the arrow keys pass over answers that are not meant

class ScaleItem extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.state = this.querySelector("[data-part=state]");
    this.form.addEventListener("keydown", ({ key }) => { this.isByKeys = key.startsWith("Arrow"); });
    this.form.addEventListener("pointerdown", () => { this.isByKeys = false; });
    this.form.addEventListener("change", () => this.#choose());
    this.addEventListener("spoken", ({ detail }) => this.#confirm(detail.value));
    this.form.addEventListener("submit", () => clearTimeout(this.timer));
    this.hide = () => { if (this.isWaiting) this.#keep(); };
    addEventListener("pagehide", this.hide);
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
    removeEventListener("pagehide", this.hide);
  }

  get value() {
    const chosen = this.form.querySelector("input[name=value]:checked");
    return chosen ? Number(chosen.value) : undefined;
  }

  // What was said, and confirmed.
  #confirm(value) {
    clearTimeout(this.timer);
    const option = this.form.querySelector(`input[name=value][value="${value}"]`);
    option.checked = true;
    option.focus();
    this.form.elements.how.value = "voice";
    this.#keep();
  }

  #choose() {
    clearTimeout(this.timer);
    this.form.elements.how.value = "click";
    this.isWaiting = true;
    if (this.isByKeys) this.timer = setTimeout(() => this.#keep(), SETTLED);
    else this.#keep();
  }

  async #keep() {
    this.isWaiting = false;
    const above = this.dataset.flaggedAbove;
    if (above !== undefined && this.value > Number(above)) this.querySelector("[data-part=crisis]").hidden = false;
    const sent = this.value;
    this.#say("keeping");
    let isKept = false;
    try {
      const response = await fetch(this.form.action, {
        method: "POST", body: new FormData(this.form), headers: { Accept: "application/json" },
        credentials: "same-origin", keepalive: true, redirect: "error",
      });
      isKept = response.ok;
    } catch (error) {
      console.warn("Not kept:", error.message);
    }
    if (sent === this.value) this.#say(isKept ? "kept" : "unkept");
  }

  #say(word) { this.state.textContent = this.dataset[word]; }
}
customElements.define("scale-item", ScaleItem);
