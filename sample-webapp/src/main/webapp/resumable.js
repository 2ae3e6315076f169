// Sends a large file in several requests by tus-js-client, which goes on where it was after every interruption.

import './vendor/tus.min.js';
import { about, amount } from './format.js';
import { announce, element, newCard, setText } from './cards.js';

/** Small, so that there are several requests to look at; a proxy that limits bodies forces such sizes too. */
const PART = 1_000_000;

const RETRY_MILLIS = [0, 1_000, 3_000, 5_000, 10_000, 20_000];

element('resumable').addEventListener('submit', event => {
  event.preventDefault();
  const file = element('large').files[0];
  const card = newCard(element('sent'));
  element('sent-none').hidden = true;
  element('sent-hint').hidden = false;
  card.name.textContent = `${file.name}, in several requests`;
  card.again.addEventListener('click', () => send(file, card));
  send(file, card);
});

function send(file, card) {
  const started = performance.now();
  let begun = 0;

  const show = (kind, text, again) => {
    card.root.className = `card ${kind}`;
    setText(card.message, text);
    card.cancel.hidden = true;
    card.again.hidden = !again;
    card.buttons.hidden = !again;
    announce(`${card.name.textContent}: ${text}`);
  };

  const rate = element('line').hidden ? '' : element('rate').value;
  const upload = new globalThis.tus.Upload(file, {
    endpoint: rate ? `files?bytesPerSecond=${rate}` : 'files',
    chunkSize: PART,
    retryDelays: RETRY_MILLIS,
    storeFingerprintForResuming: false,
    onUploadUrlAvailable() {
      begun++; // a second time means that it had to begin again
    },
    onProgress(sent, total) {
      const perSecond = sent / Math.max(0.2, (performance.now() - started) / 1000);
      card.progress.value = total ? 100 * sent / total : 100;
      setText(card.amount, `${amount(sent)} of ${amount(total)}`);
      setText(card.message, `${amount(Math.round(perSecond))}/s, ${about(1000 * (total - sent) / perSecond)} left`);
    },
    onError() {
      show('bad', 'The server does not take it any more; it can be sent again.', true);
    },
    async onSuccess() {
      card.progress.value = 100;
      const text = begun > 1 ? 'Arrived complete, after it had to begin again.' : 'Arrived complete.';
      show(begun > 1 ? 'warn' : 'good', text, false);
    },
  });
  card.root.className = 'card';
  card.progress.value = 0;
  card.progress.setAttribute('aria-label', `Sending ${card.name.textContent}`);
  setText(card.message, 'Sending …');
  card.buttons.hidden = false;
  card.cancel.hidden = false;
  card.again.hidden = true;
  card.cancel.onclick = () => {
    upload.abort(true);
    show('warn', 'Cancelled.', true);
  };
  upload.start();
}
