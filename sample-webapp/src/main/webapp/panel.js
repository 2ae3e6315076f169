// Shows what a node says of its drain.

import { about, amount, clock, exactly } from './format.js';
import { announce, element, newCard, setText } from './cards.js';

const MEANING = {
  SERVING: ['good', 'Takes every request.'],
  LAME_DUCK: ['warn', 'Says that it is going away, and still takes every request until the balancers have noticed.'],
  DRAINING: ['warn', 'Takes nothing new; waits for what it has accepted.'],
  DRAINED: ['good', 'Everything that it had accepted is answered. It can be stopped, or resumed.'],
  EXPIRED: ['bad', 'A limit was reached: something was given up. The log names it.'],
};

/** What can honestly be said when the node does not answer any more, by the state that it was last heard in. */
const SILENT = {
  SERVING: 'It was serving then.',
  LAME_DUCK: 'It had begun to drain then; what has become of its uploads cannot be seen from here.',
  DRAINING: 'It was draining then; what has become of the uploads below cannot be seen from here.',
  DRAINED: 'It had answered everything that it had accepted, so it has probably been stopped.',
  EXPIRED: 'It had given something up, so it has probably been stopped.',
};

/** More would not be read, and would make a phone slow. */
const MOST_UPLOADS = 50;

/** From when on an upload is said to stand still, should its rate not say so already. */
const STALLED_MILLIS = 5_000;

const uploads = new Map();
const files = new Map();
let givenUp = false; // what is still under way: the drain does not wait for it any more
let last = null;
let heardAt = null;

/** Shows a status. */
export function render(status) {
  const before = last;
  last = status;
  heardAt = new Date();
  element('panel').classList.remove('stale');

  const [kind, meaning] = MEANING[status.state] ?? ['', ''];
  setText(element('state'), nameOf(status.state));
  element('state').className = `state ${kind}`;
  setText(element('meaning'), meaning);
  if (before !== null && before.state !== status.state) {
    announce(`This node is now ${nameOf(status.state)}. ${meaning}`);
  }
  enable(element('drain'), status.state === 'SERVING');
  enable(element('resume'), status.state !== 'SERVING' && status.resumable);
  setText(element('resume-not'), status.resumable ? '' : 'It cannot be resumed: it is being stopped, or has closed its listeners.');

  for (const place of document.querySelectorAll('#panel [data-number]')) {
    const value = place.dataset.number.split('.').reduce((part, name) => part[name], status);
    place.value = value;
    setText(place, 'bytes' in place.dataset ? amount(value) : String(value));
  }
  renderPhases(status);
  renderSince(status);
  givenUp = status.state === 'EXPIRED';
  renderUploads(status.uploads);
  renderFiles(status.openUploads);
  renderReport(status.report);
}

/** Shows that the node is silent: what is below stays, and says from when it is. */
export function renderSilence() {
  if (last === null) {
    return 'The server does not answer.';
  }
  element('panel').classList.add('stale');
  enable(element('drain'), false);
  enable(element('resume'), false);
  return `The server does not answer. Below is what it said at ${clock(heardAt)}. ${SILENT[last.state]}`;
}

/** Forgets what was shown. */
export function clear() {
  last = null;
  element('panel').hidden = true;
}

export function isEnabled(button) {
  return button.getAttribute('aria-disabled') !== 'true';
}

/** Not by the property, which would take the focus away from the button that was just pressed. */
function enable(button, on) {
  button.setAttribute('aria-disabled', String(!on));
}

function nameOf(state) {
  return state.replace('_', ' ').toLowerCase();
}

function renderSince(status) {
  const reason = status.state === 'SERVING' || !status.reason ? '' : `, because: ${status.reason}`;
  setText(element('since'), `Since ${clock(new Date(status.since))}${reason}.`);
  const seen = status.probers.map(prober => `${prober.remote} has seen it ${prober.seenDown}×`);
  setText(element('probers'), status.state === 'SERVING'
    ? `Probed by ${status.probers.map(prober => prober.remote).join(', ') || 'no balancer'}.`
    : `Balancers: ${seen.join(', ') || 'none probes'}.`);
}

// ---- Phases

function renderPhases(status) {
  element('phases').hidden = status.state === 'SERVING';
  const draining = status.drainingMillis - status.lameDuckMillis;
  phase('lame-duck', status.state === 'LAME_DUCK', status.lameDuckMillis, status.lameDuckRemainingMillis,
    `took ${exactly(status.lameDuckMillis)}`);
  phase('draining', status.state === 'DRAINING', draining, status.remainingMillis,
    status.state === 'LAME_DUCK'
      ? `comes next, for at most ${about(status.remainingMillis - status.lameDuckRemainingMillis)}`
      : `took ${exactly(draining)}`);
  const waits = status.state === 'LAME_DUCK' || status.state === 'DRAINING';
  setText(element('estimate'), !waits || status.uploads.length + status.openUploads.length === 0 ? ''
    : status.etaMillis < 0 ? 'When the last upload is through cannot be said.'
      : `At this rate the last upload is through in ${about(status.etaMillis)}.`);
}

function phase(id, now, passed, left, otherwise) {
  const place = element(id);
  const time = place.querySelector('progress');
  time.hidden = !now;
  if (now) {
    place.setAttribute('aria-current', 'step');
    time.max = passed + left;
    time.value = passed;
  } else {
    place.removeAttribute('aria-current');
  }
  setText(place.querySelector('.time'), now ? `${exactly(passed)} so far, at most ${about(left)} more` : otherwise);
}

// ---- Uploads

function renderUploads(all) {
  element('inflight-none').hidden = all.length > 0;
  element('inflight-hint').hidden = all.length === 0;
  renderCards(all, uploads, 'inflight', renderUpload, upload =>
    `${upload.method} ${upload.path ?? 'unknown path'} from ${upload.remote ?? 'unknown'}`);
}

/** Files of which only a part is in flight at a time, or nothing for a moment. */
function renderFiles(all) {
  element('files-section').hidden = all.length === 0;
  renderCards(all, files, 'files', renderFile, file => `File ${file.id} to ${file.path ?? 'unknown path'}`);
}

/** Shows the first ones of all, each in the card that it has had before. */
function renderCards(all, cards, place, render, nameOfOne) {
  const shown = all.slice(0, MOST_UPLOADS);
  const more = element(`${place}-more`);
  more.hidden = all.length === shown.length;
  setText(more, `and ${all.length - shown.length} more, which began later`);
  const present = new Set(shown.map(each => each.id));
  for (const [id, card] of cards) {
    if (!present.has(id)) {
      card.root.remove();
      cards.delete(id);
    }
  }
  for (const each of shown) {
    if (!cards.has(each.id)) {
      cards.set(each.id, cardIn(place, each, nameOfOne(each)));
    }
    const card = cards.get(each.id);
    render(card, each);
    // A bar would say that the drain waits for its end.
    card.progress.hidden = givenUp;
    if (givenUp) {
      card.root.className = 'card bad';
      setText(card.message, 'Given up: nothing waits for it any more. It ends when the server stops, if not before.');
    }
  }
}

function cardIn(place, upload, name) {
  const card = newCard(element(place));
  card.buttons.remove();
  card.name.textContent = name;
  card.progress.setAttribute('aria-label', name);
  card.root.dataset.upload = upload.id;
  return card;
}

function renderFile(card, file) {
  const known = file.length >= 0;
  const waiting = file.waitingMillis > STALLED_MILLIS;
  card.root.className = waiting ? 'card warn' : 'card';
  card.root.dataset.bytes = file.bytesReceived;
  if (known) {
    card.progress.value = file.length ? 100 * file.bytesReceived / file.length : 100;
  } else {
    card.progress.removeAttribute('value');
  }
  setText(card.amount, known ? `${amount(file.bytesReceived)} of ${amount(file.length)}`
    : `${amount(file.bytesReceived)}, length unknown`);
  const parts = [];
  if (waiting) {
    parts.push(`Waiting for its next request for ${about(file.waitingMillis)}`);
  }
  if (file.bytesPerSecond >= 0) {
    parts.push(`${amount(file.bytesPerSecond)}/s`);
  }
  if (file.etaMillis >= 0) {
    parts.push(`${about(file.etaMillis)} left`);
  }
  setText(card.message, parts.join(', '));
}

function renderUpload(card, upload) {
  const known = upload.contentLength >= 0;
  const complete = known && upload.bytesReceived >= upload.contentLength;
  const stalled = !complete && (upload.stalledMillis > STALLED_MILLIS || upload.bytesPerSecond === 0);
  card.root.className = stalled ? 'card warn' : 'card';
  card.root.dataset.bytes = upload.bytesReceived;
  if (known) {
    card.progress.value = upload.contentLength ? 100 * upload.bytesReceived / upload.contentLength : 100;
  } else {
    card.progress.removeAttribute('value');
  }
  const received = Math.max(0, upload.bytesReceived);
  setText(card.amount, known ? `${amount(received)} of ${amount(upload.contentLength)}`
    : `${amount(received)}, length unknown`);
  const parts = [];
  if (complete) {
    parts.push('All received; the application is busy with it');
  } else if (stalled) {
    parts.push(`No byte for ${about(upload.stalledMillis)}`);
  } else {
    if (upload.bytesPerSecond >= 0) {
      parts.push(`${amount(upload.bytesPerSecond)}/s`);
    }
    if (upload.etaMillis >= 0) {
      parts.push(`${about(upload.etaMillis)} left`);
    }
  }
  setText(card.message, parts.join(', '));
}

// ---- Report

function lostFiles(report) {
  return [...report.openUploads.abandoned, ...report.openUploads.cut];
}

function renderReport(report) {
  element('report').hidden = !report;
  if (!report) {
    return;
  }
  const figures = {
    'report-outcome': nameOf(report.outcome),
    'report-reason': report.reason,
    'report-times': `${exactly(report.lameDuckMillis)} lame duck, ${exactly(report.drainMillis)} draining`,
    'report-finished': String(report.finished),
    'report-refused': String(report.refused),
    'report-abandoned': String(report.abandoned.length + lostFiles(report).length),
  };
  for (const [id, text] of Object.entries(figures)) {
    setText(element(id), text);
  }
  const list = element('abandoned');
  const names = report.abandoned.slice(0, MOST_UPLOADS).map(upload =>
    `${upload.method} ${upload.path} from ${upload.remote}, ${amount(Math.max(0, upload.bytesReceived))} received`);
  names.push(...lostFiles(report).slice(0, MOST_UPLOADS).map(file =>
    `file ${file.id} to ${file.path}, ${amount(file.bytesReceived)} received`));
  if (list.children.length !== names.length || names.some((name, i) => list.children[i].textContent !== name)) {
    list.replaceChildren(...names.map(name => {
      const item = document.createElement('li');
      item.textContent = name;
      return item;
    }));
  }
}
