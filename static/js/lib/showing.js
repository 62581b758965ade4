// Shows what belongs to a state: parts name theirs in data-show, as words between spaces. Parts of an element inside,
// which has a state of its own, are left alone.
export function show(element, state) {
  element.dataset.state = state;
  for (const part of element.querySelectorAll("[data-show]")) {
    if (part.parentElement.closest("[data-state]") !== element) continue;
    part.hidden = !part.dataset.show.split(" ").includes(state);
  }
}
