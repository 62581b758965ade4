// Each button with data-key is pressed by that key, unless somebody is typing. The keys can be switched off (a screen
// reader or a voice may need single letters for itself), and the choice stays on this device.
const REMEMBERED = "grading-keys";

class GradingKeys extends HTMLElement {
  connectedCallback() {
    this.pressed = (event) => this.#press(event);
    document.addEventListener("keydown", this.pressed);
    const place = this.querySelector("[data-part=switch]");
    if (!place) return;
    this.choice = place.querySelector("input");
    this.choice.checked = localStorage.getItem(REMEMBERED) !== "off";
    this.choice.addEventListener("change", () => localStorage.setItem(REMEMBERED, this.choice.checked ? "on" : "off"));
    place.hidden = false;
  }

  disconnectedCallback() { document.removeEventListener("keydown", this.pressed); }

  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.closest?.("input:not([type=checkbox]), textarea, select")) return;
    if (localStorage.getItem(REMEMBERED) === "off") return;
    const button = this.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!button || this.isSent) return;
    event.preventDefault();
    this.isSent = true; // a second key while the next one is on its way would grade what nobody has seen
    button.click();
  }
}
customElements.define("grading-keys", GradingKeys);
