// The cards that show uploads: those of this page, and those of the node.

export const element = id => document.getElementById(id);

/** Sets a text only where it differs, so that nobody who reads or has selected it is disturbed. */
export function setText(place, text) {
  if (place.textContent !== text) {
    place.textContent = text;
  }
}

/** Tells those who cannot see the page. Only what happens once: no progress, no countdown. */
export function announce(text) {
  element('announce').textContent = text;
}

export function newCard(list) {
  const root = element('card').content.cloneNode(true).firstElementChild;
  list.append(root);
  const part = name => root.querySelector(name);
  return {
    root,
    name: part('.name'),
    amount: part('.amount'),
    progress: part('progress'),
    message: part('.message'),
    buttons: part('.row'),
    cancel: part('.cancel'),
    again: part('.again'),
  };
}
