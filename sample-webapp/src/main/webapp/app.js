// The page: a form that uploads, and a panel that watches and steers the drain of the node that served it.

import './upload.js';
import './resumable.js';
import { element, setText, announce } from './cards.js';
import { clear, isEnabled, render, renderSilence } from './panel.js';
import { watch } from './watch.js';

const DRAIN = document.documentElement.dataset.drain;

const REFUSED = {
  401: 'The server does not know this token.',
  403: 'This server cannot be steered over HTTP here: its valve has no token, or answers on another port.',
  404: `There is no drain at ${DRAIN}: the valve is missing, or lives elsewhere.`,
};

let watching = null;
let complaint = ''; // about the last push of a button

function trouble(text) {
  element('trouble').hidden = !text;
  setText(element('trouble'), text);
}

// The token is handed over and kept nowhere else: not in this module, the field, storage or an address.
element('token-form').addEventListener('submit', event => {
  event.preventDefault();
  const token = element('token').value.trim();
  element('token').value = '';
  watching?.end();
  complaint = '';
  trouble('');
  let shown = false;
  watching = watch(DRAIN, token, {
    status(status) {
      trouble(complaint);
      if (!element('lost').hidden) {
        element('lost').hidden = true;
        announce('The server answers again.');
      }
      if (!shown) {
        shown = true;
        element('token').removeAttribute('aria-invalid');
        element('token-form').hidden = true;
        element('panel').hidden = false;
        element('panel-title').focus();
      }
      render(status);
    },
    lost(millis) {
      if (!shown) {
        watching.end();
        trouble('The server does not answer; try again.');
        element('token').focus();
        return;
      }
      lost(renderSilence(), millis);
    },
    refused(code) {
      unwatch();
      trouble(REFUSED[code] ?? `The server answered ${code}.`);
      element('token').setAttribute('aria-invalid', 'true');
      element('token').focus();
    },
  });
});

/** Says it once to those who listen; those who look see every attempt. */
function lost(text, millis) {
  if (element('lost').hidden) {
    announce(text);
  }
  element('lost').hidden = false;
  setText(element('lost-text'), text);
  const next = Math.round(millis / 1000);
  setText(element('lost-next'), next > 1 ? `Trying again in ${next} s.` : 'Trying again.');
}

function unwatch() {
  watching?.end();
  watching = null;
  clear();
  element('lost').hidden = true;
  element('token-form').hidden = false;
}

async function steer(what, method, query) {
  complaint = '';
  trouble('');
  try {
    const wrong = await watching.command(method, query);
    complaint = wrong && `${what} was answered with ${wrong}`;
  } catch {
    complaint = `${what} was not answered; whether it was done will show below.`;
  }
  trouble(complaint);
}

element('drain').addEventListener('click', event => {
  if (isEnabled(event.currentTarget)) {
    steer('Draining', 'POST', '?reason=sample+page');
  }
});
element('resume').addEventListener('click', event => {
  if (isEnabled(event.currentTarget)) {
    steer('Resuming', 'DELETE', '');
  }
});
element('forget').addEventListener('click', () => {
  complaint = '';
  trouble('');
  unwatch();
  element('token').focus();
});

fetch('info', { cache: 'no-store' })
  .then(answer => answer.json())
  .then(info => {
    element('node').textContent = `Node ${info.node}, ${info.server}`;
    element('line').hidden = !info.slowLine;
  })
  .catch(() => {});
