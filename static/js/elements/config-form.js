// Shows of a long form what matters with what is chosen: a part with data-only is hidden while one of the fields that it
// names has another value. Its own value is then left to the server's default. Without this script everything shows.
class ConfigForm extends HTMLElement {
  connectedCallback() {
    this.change = () => this.#show();
    this.addEventListener("change", this.change);
    this.#show();
  }

  disconnectedCallback() { this.removeEventListener("change", this.change); }

  #show() {
    for (const part of this.querySelectorAll("[data-only]")) {
      part.hidden = !Object.entries(JSON.parse(part.dataset.only)).every(([name, values]) => values.includes(this.#value(name)));
    }
  }

  #value(name) {
    return this.querySelector(`[name="${CSS.escape(name)}"]`)?.value ?? "";
  }
}
customElements.define("config-form", ConfigForm);
