// Keeps in touch with a node's drain: by server-sent events, and by questions where those are silent or cannot be had.

/** While nobody waits for anything the stream tells of changes of state only; what else moves is asked for so often. */
const QUESTION_MILLIS = 2_000;

/** How often to ask while all places of the stream are taken. */
const POLL_MILLIS = 1_000;

/** How long to ask before trying the stream again. */
const POLLS = 20;

/** A stream says something at least every 15 s, a comment if there is nothing else. */
const SILENCE_MILLIS = 40_000;

const SHORTEST_PAUSE_MILLIS = 500;
const LONGEST_PAUSE_MILLIS = 15_000;

/** The server has answered, but not with what was asked for. */
class Answered extends Error {
  constructor(status, text) {
    super(`${status} ${text}`);
    this.status = status;
  }
}

/**
 * Watches until it is ended. The token is kept in here, and goes nowhere but into a header.
 *
 * tell.status(status): the node has said this.
 * tell.lost(millis): it does not answer; the next attempt is in so many milliseconds.
 * tell.refused(code): it does not let us watch; the watch has ended.
 */
export function watch(path, token, tell) {
  const ended = new AbortController();
  let heard = 0; // statuses so far: an answer that took longer than a newer one is not shown
  let resting = false;
  let failures = 0;

  const ask = (method, query = '', signal = ended.signal) => fetch(path + query, {
    method,
    cache: 'no-store',
    signal,
    headers: { Authorization: `Bearer ${token}`, Accept: 'application/json' },
  });

  const take = status => {
    heard++;
    failures = 0;
    resting = status.state !== 'LAME_DUCK' && status.state !== 'DRAINING';
    if (!ended.signal.aborted) {
      tell.status(status);
    }
  };

  const look = async signal => {
    const before = heard;
    const answer = await ask('GET', '', signal);
    if (!answer.ok) {
      throw new Answered(answer.status, answer.statusText);
    }
    const status = await answer.json();
    if (heard === before) {
      take(status);
    }
  };

  /** Returns when the stream has ended; false if there is no place. */
  const listen = async () => {
    const stream = new AbortController();
    const cut = () => stream.abort();
    ended.signal.addEventListener('abort', cut);
    let silence = setTimeout(cut, SILENCE_MILLIS);
    const questions = setInterval(() => {
      if (resting) {
        look(stream.signal).catch(cut);
      }
    }, QUESTION_MILLIS);
    try {
      const answer = await ask('GET', '/events', stream.signal);
      if (answer.status === 429) {
        return false;
      }
      if (!answer.ok) {
        throw new Answered(answer.status, answer.statusText);
      }
      for await (const data of events(answer.body)) {
        clearTimeout(silence);
        silence = setTimeout(cut, SILENCE_MILLIS);
        if (data) {
          take(JSON.parse(data));
        }
      }
      return true;
    } finally {
      clearTimeout(silence);
      clearInterval(questions);
      ended.signal.removeEventListener('abort', cut);
    }
  };

  const poll = async () => {
    for (let i = 0; i < POLLS; i++) {
      await look(ended.signal);
      await pause(POLL_MILLIS, ended.signal);
    }
  };

  const run = async () => {
    while (!ended.signal.aborted) {
      try {
        if (!await listen()) {
          await poll();
        }
        await pause(SHORTEST_PAUSE_MILLIS, ended.signal);
      } catch (error) {
        if (ended.signal.aborted) {
          return;
        }
        if (error instanceof Answered && error.status < 500) {
          ended.abort();
          tell.refused(error.status);
          return;
        }
        const longest = Math.min(LONGEST_PAUSE_MILLIS, SHORTEST_PAUSE_MILLIS * 2 ** failures++);
        const millis = longest * (0.75 + Math.random() / 4); // many pages must not come back at the same moment
        tell.lost(millis);
        await pause(millis, ended.signal);
      }
    }
  };
  run();

  return {
    end: () => ended.abort(),

    /** Gives a command; throws if the node does not answer, returns what is wrong if it does not obey. */
    async command(method, query) {
      const answer = await ask(method, query);
      if (!answer.ok) {
        return `${answer.status}: ${await errorOf(answer)}`;
      }
      take(await answer.json());
      return '';
    },
  };
}

async function errorOf(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text).error ?? text;
  } catch {
    return text;
  }
}

/** The data of each event, and an empty text for each comment. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) {
      return;
    }
    text += value;
    const blocks = text.split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      yield block.split('\n').filter(line => line.startsWith('data: ')).map(line => line.slice(6)).join('\n');
    }
  }
}

function pause(millis, signal) {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, millis);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
