// Uploads the form, and watches and steers the drain of the node that served this page.

const DRAIN = document.documentElement.dataset.drain;
const element = id => document.getElementById(id);

const MEANING = {
  SERVING: ['good', 'Takes every request.'],
  LAME_DUCK: ['warn', 'Says that it is going away, and still takes every request until the balancers have noticed.'],
  DRAINING: ['warn', 'Takes nothing new; waits for what it has accepted.'],
  DRAINED: ['good', 'Everything that it had accepted is answered. It can be stopped, or resumed.'],
  EXPIRED: ['bad', 'A limit was reached: something was given up. The log names it.'],
};

/** What it means that the server does not answer any more, by the state that it was last seen in. */
const GONE = {
  SERVING: 'The server does not answer any more; below is what it said last.',
  LAME_DUCK: 'The server has stopped; below is what it said last.',
  DRAINING: 'The server has stopped; below is what it said last.',
  DRAINED: 'The server has stopped, after everything that it had accepted was answered.',
  EXPIRED: 'The server has stopped, after it gave something up.',
};

function megabytes(bytes) {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function seconds(millis) {
  const s = Math.max(0, Math.round(millis / 1000));
  return s < 120 ? `${s} s` : `${Math.round(s / 60)} min`;
}

function count(number, thing) {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}

function announce(text) {
  element('announce').textContent = text;
}

function newCard(list) {
  const card = element('card').content.cloneNode(true).firstElementChild;
  list.append(card);
  const part = name => card.querySelector(name);
  return {
    root: card,
    name: part('.name'),
    amount: part('.amount'),
    progress: part('progress'),
    message: part('.message'),
    buttons: part('.row'),
    cancel: part('.cancel'),
    again: part('.again'),
  };
}

// ---- Uploads

const form = element('form');

form.addEventListener('submit', event => {
  event.preventDefault();
  // Taken now: whatever happens to this upload, the form stays as it is, and can be sent again.
  const data = new FormData(form);
  const card = newCard(element('sent'));
  element('sent-none').hidden = true;
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
    card.cancel.hidden = true;
    card.again.hidden = !again;
    card.buttons.hidden = !again;
    announce(`${card.name.textContent}: ${text}`);
  };

  card.root.className = 'card';
  card.progress.hidden = false;
  card.progress.value = 0;
  card.progress.setAttribute('aria-label', `Sending ${card.name.textContent}`);
  card.message.textContent = 'Sending …';
  card.buttons.hidden = false;
  card.cancel.hidden = false;
  card.again.hidden = true;
  card.cancel.onclick = () => request.abort();

  request.upload.addEventListener('progress', event => {
    sent = event.loaded;
    const perSecond = sent / Math.max(0.2, (performance.now() - started) / 1000);
    card.progress.value = 100 * sent / event.total;
    card.amount.textContent = `${megabytes(sent)} of ${megabytes(event.total)}`;
    card.message.textContent = sent === event.total
      ? 'All sent; the server is taking it in.'
      : `${megabytes(perSecond)}/s, ${seconds(1000 * (event.total - sent) / perSecond)} left`;
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
      show('good', `Arrived complete: ${megabytes(file.size)}, SHA-256 ${own ? 'checked' : file.sha256}.`, false);
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
  card.again.disabled = true;
  const countdown = setInterval(() => {
    left--;
    card.message.textContent = text();
    if (left <= 0) {
      clearInterval(countdown);
      card.again.disabled = false;
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
    : `The connection broke after ${megabytes(sent)}: this upload did not arrive. Your form is kept.`, true);
}

/** The file's SHA-256 as hexadecimal, or null where the browser cannot say (no TLS, or too large to hold). */
async function sha256(file) {
  if (!globalThis.crypto?.subtle || file.size > 200e6) {
    return null;
  }
  const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('');
}

// ---- The drain

let token = null;
let timer = 0;
let lastState = null;
let lastReport = null;
let complaint = ''; // about the last push of a button
const shown = new Map();

element('token-form').addEventListener('submit', event => {
  event.preventDefault();
  token = element('token').value.trim();
  element('token').value = '';
  look();
});
element('drain').addEventListener('click', () => steer('POST', '?reason=sample+page'));
element('resume').addEventListener('click', () => steer('DELETE', ''));
element('forget').addEventListener('click', () => {
  token = null;
  lastState = null;
  clearTimeout(timer);
  element('panel').hidden = true;
  element('token-form').hidden = false;
  element('token').focus();
});

function control(method, query = '') {
  return fetch(DRAIN + query, {
    method,
    cache: 'no-store',
    headers: { Authorization: `Bearer ${token}`, Accept: 'application/json' },
  });
}

async function steer(method, query) {
  clearTimeout(timer);
  complaint = '';
  try {
    const answer = await control(method, query);
    if (!answer.ok) {
      const what = method === 'POST' ? 'Draining' : 'Resuming';
      complaint = `${what} was answered with ${answer.status}: ${await answer.text()}`;
    }
  } catch {
    // Told by look().
  }
  look();
}

/** Asks for the status once, shows it, and comes again. */
async function look() {
  clearTimeout(timer);
  const asked = token;
  let answer;
  try {
    answer = await control('GET');
  } catch {
    lost(asked);
    return;
  }
  if (asked === null || asked !== token) {
    return;
  }
  if (!answer.ok) {
    token = null;
    element('panel').hidden = true;
    element('token-form').hidden = false;
    trouble({
      401: 'The server does not know this token.',
      403: 'This server cannot be steered over HTTP: its valve has no token.',
      404: `There is no drain at ${DRAIN}: the valve is missing, or lives elsewhere.`,
    }[answer.status] ?? `The status was answered with ${answer.status}.`);
    element('token').focus();
    return;
  }
  render(await answer.json());
  timer = setTimeout(look, lastState === 'SERVING' ? 1000 : 500);
}

function lost(asked) {
  if (asked !== null && asked === token) {
    trouble(GONE[lastState] ?? 'The server does not answer.');
    element('drain').disabled = true;
    element('resume').disabled = true;
    timer = setTimeout(look, 2000);
  }
}

function trouble(text) {
  const place = element('trouble');
  place.hidden = !text;
  if (place.textContent !== text) {
    place.textContent = text;
  }
}

function render(status) {
  trouble(complaint);
  element('token-form').hidden = true;
  element('panel').hidden = false;

  const [kind, meaning] = MEANING[status.state] ?? ['', ''];
  element('state').textContent = status.state.replace('_', ' ');
  element('state').className = `state ${kind}`;
  element('meaning').textContent = meaning;
  if (lastState !== status.state) {
    if (lastState !== null) {
      announce(`This node is now ${status.state.replace('_', ' ')}. ${meaning}`);
    }
    lastState = status.state;
  }
  element('drain').disabled = status.state !== 'SERVING';
  element('resume').disabled = status.state === 'SERVING';

  const { inFlight, totals } = status;
  facts(element('facts'), [
    ['Since', new Date(status.since).toLocaleTimeString()],
    ['Reason', status.state === 'SERVING' ? null : status.reason],
    ['Waits at most', status.deadline && ['LAME_DUCK', 'DRAINING'].includes(status.state)
      ? seconds(new Date(status.deadline) - Date.now()) : null],
    ['In flight', `${count(inFlight.uploads, 'upload')}, ${count(inFlight.requests, 'other request')}`
      + (inFlight.holds ? `, ${count(inFlight.holds, 'hold')}` : '')],
    ['Completed', `${count(totals.uploadsCompleted, 'upload')}, ${count(totals.requestsCompleted, 'other request')}`],
    ['Received', `${megabytes(totals.uploadBytes)} of uploads`],
    ['Failed', totals.uploadsFailed ? count(totals.uploadsFailed, 'upload') : null],
    ['Refused', String(totals.refused)],
  ]);
  renderUploads(status.uploads);
  renderReport(status.report);
}

function facts(list, entries) {
  const wanted = entries.filter(([, value]) => value !== null && value !== undefined && value !== '');
  while (list.children.length > 2 * wanted.length) {
    list.lastElementChild.remove();
  }
  while (list.children.length < 2 * wanted.length) {
    list.append(document.createElement('dt'), document.createElement('dd'));
  }
  wanted.flat().forEach((text, i) => {
    if (list.children[i].textContent !== text) {
      list.children[i].textContent = text;
    }
  });
}

function renderUploads(uploads) {
  element('inflight-none').hidden = uploads.length > 0;
  const present = new Set(uploads.map(upload => upload.id));
  for (const [id, card] of shown) {
    if (!present.has(id)) {
      card.root.remove();
      shown.delete(id);
    }
  }
  for (const upload of uploads) {
    let card = shown.get(upload.id);
    if (!card) {
      card = newCard(element('inflight'));
      card.buttons.remove();
      card.name.textContent = `${upload.method} ${upload.path} from ${upload.remote}`;
      card.progress.setAttribute('aria-label', card.name.textContent);
      shown.set(upload.id, card);
    }
    const known = upload.contentLength >= 0;
    if (known) {
      card.progress.value = upload.contentLength ? 100 * upload.bytesReceived / upload.contentLength : 100;
    } else {
      card.progress.removeAttribute('value');
    }
    card.amount.textContent = megabytes(upload.bytesReceived)
      + (known ? ` of ${megabytes(upload.contentLength)}` : ', length unknown');
    const complete = known && upload.bytesReceived >= upload.contentLength;
    card.root.className = `card ${upload.stalledMillis > 5000 && !complete ? 'warn' : ''}`;
    card.message.textContent = complete
      ? 'All received; the application is busy with it.'
      : upload.stalledMillis > 5000
        ? `No byte for ${seconds(upload.stalledMillis)}`
        : `${megabytes(upload.bytesPerSecond)}/s` + (upload.etaMillis >= 0 && known ? `, ${seconds(upload.etaMillis)} left` : '');
  }
}

function renderReport(report) {
  element('report').hidden = !report;
  if (!report || JSON.stringify(report) === lastReport) {
    return;
  }
  lastReport = JSON.stringify(report);
  facts(element('report-facts'), [
    ['Outcome', report.outcome],
    ['Reason', report.reason],
    ['Lame duck', `${(report.lameDuckMillis / 1000).toFixed(1)} s`],
    ['Drain', `${(report.drainMillis / 1000).toFixed(1)} s`],
    ['Finished', String(report.finished)],
    ['Refused', String(report.refused)],
    ['Given up', String(report.abandoned.length)],
  ]);
  element('abandoned').replaceChildren(...report.abandoned.map(upload => {
    const item = document.createElement('li');
    item.textContent = `${upload.method} ${upload.path} from ${upload.remote}, ${megabytes(upload.bytesReceived)} received`;
    return item;
  }));
}

// ---- Where we are

fetch('info', { cache: 'no-store' })
  .then(answer => answer.json())
  .then(info => {
    element('node').textContent = `Node ${info.node}, ${info.server}`;
    element('line').hidden = !info.slowLine;
  })
  .catch(() => {});
