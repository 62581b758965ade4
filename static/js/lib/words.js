// What the page may say, as the server wrote it in the reader's language: <template data-words> inside the element.
export function wordsOf(element) {
  const words = new Map();
  for (const word of element.querySelector("template[data-words]").content.querySelectorAll("[data-word]")) {
    words.set(word.dataset.word, word.textContent);
  }
  return (name, values = {}) =>
    (words.get(name) ?? words.get("unknown")).replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}
