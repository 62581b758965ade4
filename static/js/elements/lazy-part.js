// A part that another room makes, fetched by its address once it is about to be seen. Until then, and where it cannot be
// had, the link inside stays.
import { fetchPart } from "../lib/parts.js";

class LazyPart extends HTMLElement {
  connectedCallback() {
    this.observer = new IntersectionObserver(([entry]) => { if (entry.isIntersecting) this.#load(); }, { rootMargin: "300px" });
    this.observer.observe(this);
  }

  disconnectedCallback() { this.observer.disconnect(); }

  async #load() {
    this.observer.disconnect();
    try {
      const part = await fetchPart(this.dataset.source);
      this.replaceChildren(...part.childNodes);
    } catch (error) {
      console.warn("Could not load the part:", error.message);
    }
  }
}
customElements.define("lazy-part", LazyPart);
