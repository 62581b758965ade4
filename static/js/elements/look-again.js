// A part of the page that is fetched again every few seconds, as long as the server's answer holds such an element.
//
// data-source: where the fresh HTML of the whole part comes from · its parent's content is replaced
import { fetchPart } from "../lib/parts.js";

const EVERY = 2000; // ms

class LookAgain extends HTMLElement {
  connectedCallback() { this.timer = setTimeout(() => this.#look(), EVERY); }
  disconnectedCallback() { clearTimeout(this.timer); }

  async #look() {
    try {
      const part = await fetchPart(this.dataset.source);
      this.parentElement?.replaceChildren(...part.childNodes);
    } catch (error) {
      console.warn("Could not look:", error.message);
      if (this.isConnected) this.timer = setTimeout(() => this.#look(), EVERY);
    }
  }
}
customElements.define("look-again", LookAgain);
