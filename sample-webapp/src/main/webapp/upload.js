// Sends the form, shows how far it is, and says what became of it in words that a person understands.

import { about, amount } from './format.js';
import { announce, element, newCard, setText } from './cards.js';

const form = element('form');

form.addEventListener('submit', event => {
  event.preventDefault();
  // Taken now: whatever happens to this upload, the form stays as it is, and can be sent again.
  const data = new FormData(form);
  const card = newCard(element('sent'));
  element('sent-none').hidden = true;
  element('sent-hint').hidden = false;
  card.name.textContent = `${data.get('title')} (${data.get('file').name})`;
  card.again.addEventListener('click', () => send(data, card));
  send(data, card);
});

function send(data, card) {
  const request = new XMLHttpRequest();
  const started = performance.now();
  let sent = 0;

  const show = (kind, text, again) => {
    card.root.className = `card ${kind}`;
    card.message.textContent = text;
    const hadFocus = card.root.contains(document.activeElement);
    card.cancel.hidden = true;
    card.again.hidden = !again;
    card.buttons.hidden = !again;
    if (hadFocus) {
      (again ? card.again : element('send')).focus();
    }
    announce(`${card.name.textContent}: ${text}`);
  };

  card.root.className = 'card';
  card.progress.hidden = false;
  card.progress.value = 0;
  card.progress.setAttribute('aria-label', `Sending ${card.name.textContent}`);
  card.message.textContent = 'Sending …';
  card.buttons.hidden = false;
  card.cancel.hidden = false;
  if (document.activeElement === card.again) {
    card.cancel.focus();
  }
  card.again.hidden = true;
  card.cancel.onclick = () => request.abort();

  request.upload.addEventListener('progress', event => {
    sent = event.loaded;
    const perSecond = sent / Math.max(0.2, (performance.now() - started) / 1000);
    card.progress.value = 100 * sent / event.total;
    setText(card.amount, `${amount(sent)} of ${amount(event.total)}`);
    setText(card.message, sent === event.total
      ? 'All sent; the server is taking it in.'
      : `${amount(Math.round(perSecond))}/s, ${about(1000 * (event.total - sent) / perSecond)} left`);
  });
  request.addEventListener('load', () => finished(request, data, card, show));
  request.addEventListener('abort', () => show('warn', 'Cancelled. Your form is kept.', true));
  request.addEventListener('error', () => broken(sent, show, card));

  const rate = element('line').hidden ? '' : element('rate').value;
  request.open('POST', rate ? `upload?bytesPerSecond=${rate}` : 'upload');
  request.setRequestHeader('Accept', 'application/json');
  request.send(data);
}

async function finished(request, data, card, show) {
  if (request.status === 200) {
    card.progress.value = 100;
    const [file] = JSON.parse(request.responseText).files;
    const own = await sha256(data.get('file'));
    if (own && own !== file.sha256) {
      show('bad', `The server has received something else: SHA-256 ${file.sha256}, expected ${own}.`, true);
    } else {
      show('good', `Arrived complete: ${amount(file.size)}, SHA-256 ${own ? 'checked' : file.sha256}.`, false);
    }
  } else if (request.getResponseHeader('X-Drain') === 'refused') {
    refused(request.getResponseHeader('Retry-After'), show, card);
  } else {
    show('bad', `The server did not take it: ${request.status} ${reason(request)}`, true);
  }
}

function reason(request) {
  try {
    return JSON.parse(request.responseText).error ?? request.statusText;
  } catch {
    return request.statusText;
  }
}

/** Tells a refusal in words, counts down, and leaves everything to be sent again. */
function refused(retryAfter, show, card) {
  let left = Number.parseInt(retryAfter, 10) || 5;
  card.progress.hidden = true;
  card.amount.textContent = '';
  const text = () => 'This server is being upgraded and takes no new uploads. Nothing is lost: your form is kept, '
    + (left > 0 ? `try again in ${left} s.` : 'try again now.');
  show('warn', text(), true);
  const countdown = setInterval(() => {
    left--;
    if (left < 0 || card.again.hidden) {
      clearInterval(countdown);
    } else {
      card.message.textContent = text();
    }
  }, 1000);
}

/** A browser that is still sending may never see the answer; a small request finds out what it would have been. */
async function broken(sent, show, card) {
  try {
    const answer = await fetch('info', { cache: 'no-store' });
    if (answer.headers.get('X-Drain') === 'refused') {
      refused(answer.headers.get('Retry-After'), show, card);
      return;
    }
  } catch {
    // Not even that: the server is gone.
  }
  show('bad', sent === 0
    ? 'The server cannot be reached. Your form is kept; try again in a while.'
    : `The connection broke after ${amount(sent)}: this upload did not arrive. Your form is kept.`, true);
}

/** The file's SHA-256 as hexadecimal, or null where the browser cannot say (no TLS, or too large to hold). */
async function sha256(file) {
  if (!globalThis.crypto?.subtle || file.size > 200e6) {
    return null;
  }
  const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('');
}
