#!/bin/sh
# Replaces the web application on a fleet of Tomcats that use tomcat-drain, node by node, without losing an upload.
#
#   upgrade.sh NEW.war NODE...
#
# Each NODE is drained, stopped, given the new WAR, started, and waited for; then the next one. The script ends at the
# first node with which something is wrong, and touches no further one.
#
# Settings, by environment variables:
#   DRAIN_TOKEN_FILE   file that holds the token of the valves; or
#   DRAIN_TOKEN        the token itself (a file is better). It is never printed and never in an argument.
#   DRAIN_URL          where a node's drain answers, at its controlPort   http://NODE:8090/drain
#   DRAIN_WAIT         longest that a node may drain            11m     (the valve's lameDuckTimeout + uploadTimeout)
#   READY_SECONDS      longest that a node may take to start    180
#   APP_URL            a page that says whether the application works   http://NODE:8080/
#   APP_SECONDS        longest that it may take once Tomcat is ready    30
#   BETWEEN_SECONDS    wait between two nodes                   5       (see your front end's page in docs/operations)
#   STOP, INSTALL, START   shell commands; they see $NODE and $WAR, as the URLs do
#
# Exit status: 0 all nodes are upgraded; 1 a node could not be drained, and serves again, unchanged;
# 2 wrong usage; 3 STOP, INSTALL or START failed; 4 a node did not come back; 5 a node of the fleet was not serving.
set -eu

: "${DRAIN_WAIT:=11m}" "${READY_SECONDS:=180}" "${BETWEEN_SECONDS:=5}"
: "${DRAIN_URL:=http://\$NODE:8090/drain}" "${APP_URL:=http://\$NODE:8080/}" "${APP_SECONDS:=30}"
: "${STOP:=ssh \"\$NODE\" sudo systemctl stop tomcat}"
: "${INSTALL:=scp -q \"\$WAR\" \"\$NODE:/opt/tomcat/webapps/.ROOT.war.new\" &&
  ssh \"\$NODE\" mv /opt/tomcat/webapps/.ROOT.war.new /opt/tomcat/webapps/ROOT.war}"
: "${START:=ssh \"\$NODE\" sudo systemctl start tomcat}"

say() { echo "$(date +%H:%M:%S) $*"; }
fail() {
  status=$1
  shift
  echo "$(date +%H:%M:%S) $*" >&2
  exit "$status"
}
usage() {
  echo "upgrade.sh: $*" >&2
  echo "usage: DRAIN_TOKEN_FILE=FILE upgrade.sh NEW.war NODE..." >&2
  exit 2
}

[ $# -ge 2 ] || usage "a WAR and at least one node are needed"
WAR=$1
shift
[ -r "$WAR" ] || usage "cannot read the WAR [$WAR]"
if [ -n "${DRAIN_TOKEN_FILE:-}" ]; then
  [ -r "$DRAIN_TOKEN_FILE" ] || usage "cannot read DRAIN_TOKEN_FILE [$DRAIN_TOKEN_FILE]"
  DRAIN_TOKEN=$(cat "$DRAIN_TOKEN_FILE")
fi
[ -n "${DRAIN_TOKEN:-}" ] || usage "set DRAIN_TOKEN_FILE to a file that holds the token"

# The token goes to curl in a file that only this user reads: arguments can be seen by everybody on the machine.
work=$(mktemp -d)
(umask 077 && printf 'Authorization: Bearer %s\n' "$DRAIN_TOKEN" >"$work/headers")
unset DRAIN_TOKEN

draining='' # the node that was told to drain and has not been stopped yet
waiting='' # the process that waits for it
# Whatever ends this script: no node is left in drain without anybody knowing.
leave() {
  [ -z "$waiting" ] || kill "$waiting" 2>/dev/null || :
  if [ -n "$draining" ]; then
    NODE=$draining
    draining=''
    if control DELETE '' 10 >/dev/null; then
      echo "$(date +%H:%M:%S) $NODE serves again" >&2
    else
      echo "$(date +%H:%M:%S) $NODE may still drain: resume it, or restart it (with closeListener only a restart helps)" >&2
    fi
  fi
  rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The address of $NODE's drain.
url() { eval "echo \"$DRAIN_URL\""; }
# control METHOD QUERY SECONDS: one request to $NODE's drain, its answer on standard output.
control() {
  curl --silent --show-error --noproxy '*' --fail-with-body --max-time "$3" \
    -X "$1" -H "@$work/headers" "$(url)$2"
}
seconds() {
  case $1 in
    *[!0-9smh]* | '') usage "DRAIN_WAIT [$1] is no duration; write 600s, 10m or 1h" ;;
    *h) echo $((${1%h} * 3600)) ;;
    *m) echo $((${1%m} * 60)) ;;
    *s) echo "${1%s}" ;;
    *) usage "DRAIN_WAIT [$1] has no unit; write 600s, 10m or 1h" ;;
  esac
}
# answers URL SECONDS: waits until the URL answers 200.
answers() {
  left=$2
  until [ "$(curl --silent --noproxy '*' --max-time 5 --output /dev/null --write-out '%{http_code}' "$1")" = 200 ]; do
    left=$((left - 1))
    [ $left -gt 0 ] || return 1
    sleep 1
  done
}
run() { NODE=$NODE WAR=$WAR sh -c "$1"; }

wait_seconds=$(seconds "$DRAIN_WAIT")

# Two nodes out at once are an outage. This asks for the status: polls of "ready" would make us a prober to wait for.
for NODE in "$@"; do
  control GET '' 10 >"$work/answer" || fail 5 "$NODE does not answer: nothing was done"
  grep -q '"state":"SERVING"' "$work/answer" || fail 5 "$NODE is not serving: nothing was done"
done

count=0
for NODE in "$@"; do
  count=$((count + 1))
  if [ $count -gt 1 ]; then
    say "waiting ${BETWEEN_SECONDS} s, until the front end uses all nodes again"
    sleep "$BETWEEN_SECONDS"
  fi

  say "$NODE drains"
  draining=$NODE
  # In the background, since a shell looks at signals only between two commands, or in "wait".
  # resumeAfter: should even "leave" not be reached, the node serves again by itself.
  control POST "?wait=$DRAIN_WAIT&resumeAfter=$((wait_seconds + 300))s&reason=upgrade" \
    $((wait_seconds + 30)) >"$work/answer" &
  waiting=$!
  if ! wait "$waiting"; then
    waiting=''
    cat "$work/answer" >&2
    fail 1 "$NODE was not drained within $DRAIN_WAIT: nothing was changed on it"
  fi

  waiting=''
  say "$NODE has nothing in flight: stopping, installing, starting"
  draining=''
  run "$STOP" || fail 3 "$NODE could not be stopped"
  run "$INSTALL" || fail 3 "the WAR could not be installed on $NODE, which is stopped"
  run "$START" || fail 3 "$NODE could not be started"

  answers "$(url)/ready" "$READY_SECONDS" || fail 4 "$NODE did not come back within $READY_SECONDS s: stopping here"
  # The valve answers for the Tomcat, whatever became of the application.
  answers "$(eval "echo \"$APP_URL\"")" "$APP_SECONDS" || fail 4 "the application on $NODE does not work: stopping here"
  say "$NODE is ready"
done
say "upgraded: $*"
