#!/bin/sh
# Restarts one Tomcat that uses tomcat-drain, by catalina.sh: waits for the drain, and starts nothing beside the old process.
#
#   restart.sh [SECONDS]        longest that the stop may take; 660, the valve's lameDuckTimeout + uploadTimeout and some more
#
# Settings, by environment variables: CATALINA_HOME; CATALINA_BASE, if it is another directory; CATALINA_PID, the file for
# the process number, which the Tomcat that runs must have been started with (here: temp/tomcat.pid below CATALINA_BASE).
#
# Exit status: 0 restarted; 1 the old process still runs, nothing was started; 2 wrong usage.
set -eu

: "${CATALINA_BASE:=${CATALINA_HOME:?set it to the directory of Tomcat}}"
: "${CATALINA_PID:=$CATALINA_BASE/temp/tomcat.pid}"
export CATALINA_HOME CATALINA_BASE CATALINA_PID
seconds=${1:-660}
case $seconds in
  '' | *[!0-9]*)
    echo "restart.sh: [$seconds] is no number of seconds" >&2
    exit 2
    ;;
esac

runs() { [ -s "$CATALINA_PID" ] && kill -0 "$(cat "$CATALINA_PID")" 2>/dev/null; }

if runs; then
  # It gives up waiting after so many seconds, says so, and its exit status is not to be relied on.
  "$CATALINA_HOME/bin/catalina.sh" stop "$seconds" || :
  if runs; then
    echo "restart.sh: process $(cat "$CATALINA_PID") still runs after $seconds s; nothing was started" >&2
    exit 1
  fi
fi
exec "$CATALINA_HOME/bin/catalina.sh" start
