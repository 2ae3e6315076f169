// Numbers as people read them.

export function amount(bytes) {
  if (bytes < 1e3) {
    return `${bytes} B`;
  }
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A time that is still to come: rounded to what matters. */
export function about(millis) {
  const seconds = Math.max(0, Math.round(millis / 1000));
  if (seconds < 120) {
    return `${seconds} s`;
  }
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** A time that has passed. */
export function exactly(millis) {
  return millis < 60_000 ? `${(millis / 1000).toFixed(1)} s` : about(millis);
}

export function clock(date) {
  return date.toLocaleTimeString();
}
