// Light, dark, or as the device says. Kept in a cookie, so that the server sends the page in the right colours at once.
const YEAR = 365 * 24 * 3600; // seconds

class ThemeChoice extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-theme-name]");
      if (button) this.#choose(button.dataset.themeName);
    });
    this.#mark(document.documentElement.dataset.theme || "auto");
  }

  #choose(theme) {
    document.cookie = `theme=${theme}; path=/; max-age=${YEAR}; samesite=lax`;
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    this.#mark(theme);
    document.dispatchEvent(new CustomEvent("theme-changed"));
  }

  #mark(theme) {
    for (const button of this.querySelectorAll("[data-theme-name]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeName === theme));
    }
  }
}
customElements.define("theme-choice", ThemeChoice);
