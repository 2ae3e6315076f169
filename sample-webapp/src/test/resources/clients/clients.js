// Sends a file by each of the clients, as they come, and writes down what became of it.
'use strict';

const SESSION = { 'X-Session': '1' };

/** What the clients have said: {client, ok, what}. */
const results = [];
/** How often a server has let each of them begin a file: more than once means that it had to begin again. */
const begun = { tus: 0, filepond: 0, resumable: 0, blueimp: 0 };
/** Of which clients a server has called the file whole. */
const whole = new Set();
/** Answers that a part should not get. */
const failures = [];
/** Pages that were read meanwhile, and those of them that were not answered well. */
let pages = 0;
let lostPages = 0;

function clientOf(url) {
  const { pathname } = new URL(url, location.href);
  if (pathname.includes('/files')) return 'tus';
  return { pond: 'filepond', chunks: 'resumable', range: 'blueimp' }[pathname.split('/').pop()];
}

function begins(method, url, range) {
  const { searchParams } = new URL(url, location.href);
  return method === 'POST' && (searchParams.get('resumableChunkNumber') || '1') === '1'
    && (range || 'bytes 0-').startsWith('bytes 0-');
}

const setRequestHeader = XMLHttpRequest.prototype.setRequestHeader;
XMLHttpRequest.prototype.setRequestHeader = function (name, value) {
  if (name === 'Content-Range') this.range = value;
  return setRequestHeader.call(this, name, value);
};

const open = XMLHttpRequest.prototype.open;
XMLHttpRequest.prototype.open = function (method, url, ...rest) {
  this.addEventListener('loadend', () => {
    const well = this.status >= 200 && this.status < 300;
    if (well && begins(method, url, this.range)) begun[clientOf(url)]++;
    if (well && this.getResponseHeader('X-Whole')) whole.add(clientOf(url));
    if (!well && method !== 'GET') failures.push(`${method} ${url}: ${this.status}`);
  });
  return open.call(this, method, url, ...rest);
};

async function sendAll(size, part) {
  await readPage(); // the browser has its session
  const file = new File([new Uint8Array(size)], `file of ${size} bytes, ${Math.random()}`);
  const done = client => (error = '') => results.push({ client, ok: !error, what: String(error) });

  const tusDone = done('tus');
  new tus.Upload(file, {
    endpoint: 'files',
    chunkSize: part,
    headers: SESSION,
    storeFingerprintForResuming: false,
    onSuccess: () => tusDone(),
    onError: error => tusDone(error || 'failed'),
  }).start();

  const pond = FilePond.create(document.getElementById('pond'), {
    server: { process: { url: 'pond', headers: SESSION }, patch: 'pond?patch=' },
    chunkUploads: true,
    chunkForce: true,
    chunkSize: part,
    onprocessfile: error => done('filepond')(error ? error.body || error.code || 'failed' : ''),
  });
  pond.addFile(file);

  const resumable = new Resumable({ target: 'chunks', chunkSize: part, headers: SESSION });
  resumable.on('fileAdded', () => resumable.upload());
  resumable.on('fileSuccess', () => done('resumable')());
  resumable.on('fileError', (at, message) => done('resumable')(message || 'failed'));
  resumable.addFile(file);

  $('<input type="file">').fileupload({
    url: 'range',
    headers: SESSION,
    maxChunkSize: part,
    done: () => done('blueimp')(),
    fail: (event, data) => done('blueimp')(data.errorThrown || data.textStatus || 'failed'),
  }).fileupload('add', { files: [file] });
  readPages();
}

async function readPage() {
  const answer = await fetch('files', { method: 'OPTIONS', headers: SESSION });
  pages++;
  if (!answer.ok) lostPages++;
}

/** Goes on reading a page of the session until all files are sent. */
async function readPages() {
  while (results.length < 4) {
    await readPage();
    await new Promise(resolve => setTimeout(resolve, 300));
  }
}
