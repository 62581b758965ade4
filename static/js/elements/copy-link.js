// Copies the text of the input inside it and says so. Without a clipboard it selects the text for the person's own keys.
class CopyLink extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector("input");
    this.button = this.querySelector("button");
    this.said = this.querySelector("[role=status]");
    this.button.hidden = false;
    this.button.addEventListener("click", () => this.#copy());
    this.input.addEventListener("focus", () => this.input.select());
  }

  async #copy() {
    this.input.select();
    try {
      await navigator.clipboard.writeText(this.input.value);
      this.said.textContent = this.dataset.copied;
    } catch {
      this.said.textContent = this.dataset.byHand;
    }
  }
}
customElements.define("copy-link", CopyLink);
