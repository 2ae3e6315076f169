#!/bin/sh
# Replaces the web application on a fleet of Tomcats that use tomcat-drain, node by node, without losing an upload.
#
#   upgrade.sh NEW.war NODE...
#
# First the new WAR is laid ready on every node, which changes nothing there and shows that everything can be done. Then each NODE is drained,
# stopped, given the new WAR, started, and waited for; then the next one. The script ends at the first node with which something
# is wrong, and touches no further one. A node that was stopped gets its old WAR back, and is started with it.
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
#   NOT_DRAINED        what to do with a node in which something is in flight after DRAIN_WAIT:  abort  (it serves again), or
#                      "continue": stop it, and lose what its own stop cannot finish. For sites with endless answers
#   WEBAPPS, WAR_NAME  where the WAR is on the nodes            /opt/tomcat/webapps, ROOT.war
#   STAGE, STOP, INSTALL, START, ROLLBACK   shell commands; they see $NODE and $WAR, as the URLs do. STAGE lays the new WAR ready, forgets
#                      what an earlier INSTALL has kept, and fails if something that is needed later cannot be done; INSTALL puts the
#                      new WAR in place and keeps the old one; ROLLBACK puts that back, and does nothing where INSTALL has not been
#
# Exit status: 0 all nodes are upgraded; 1 a node could not be drained, and serves again, unchanged;
# 2 wrong usage; 3 STAGE, STOP, INSTALL or START failed; 4 a node did not come back; 5 a node of the fleet was not serving. After 3 and 4
# the last line says whether the node serves again.
set -eu

: "${DRAIN_WAIT:=11m}" "${READY_SECONDS:=180}" "${BETWEEN_SECONDS:=5}"
: "${DRAIN_URL:=http://\$NODE:8090/drain}" "${APP_URL:=http://\$NODE:8080/}" "${APP_SECONDS:=30}"
: "${NOT_DRAINED:=abort}" "${WEBAPPS:=/opt/tomcat/webapps}" "${WAR_NAME:=ROOT.war}"
# Tomcat deploys no file that does not end with ".war".
: "${STAGE:=scp -q \"\$WAR\" \"\$NODE:\$WEBAPPS/.\$WAR_NAME.new\" &&
  ssh \"\$NODE\" \"rm -f \$WEBAPPS/.\$WAR_NAME.old && sudo -n -l systemctl stop tomcat && sudo -n -l systemctl start tomcat\" >/dev/null}"
: "${STOP:=ssh \"\$NODE\" sudo systemctl stop tomcat}"
: "${INSTALL:=ssh \"\$NODE\" \"cd \$WEBAPPS && { [ ! -e \$WAR_NAME ] || cp -p \$WAR_NAME .\$WAR_NAME.old; } && mv .\$WAR_NAME.new \$WAR_NAME\"}"
: "${START:=ssh \"\$NODE\" sudo systemctl start tomcat}"
: "${ROLLBACK:=ssh \"\$NODE\" \"cd \$WEBAPPS && { [ ! -e .\$WAR_NAME.old ] || mv .\$WAR_NAME.old \$WAR_NAME; }\"}"

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
case $NOT_DRAINED in
  abort | continue) ;;
  *) usage "NOT_DRAINED [$NOT_DRAINED] is neither abort nor continue" ;;
esac

# The token goes to curl in a file that only this user reads: every user of the machine can see arguments.
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
run() { NODE=$NODE WAR=$WAR WEBAPPS=$WEBAPPS WAR_NAME=$WAR_NAME sh -c "$1"; }
# works SECONDS: waits until $NODE is ready and its application answers. The valve answers for the Tomcat, whatever became of the
# application.
works() { answers "$(url)/ready" "$READY_SECONDS" && answers "$(eval "echo \"$APP_URL\"")" "$APP_SECONDS"; }
# give_back STATUS WHAT: lets $NODE serve again with what it had, and ends the script.
give_back() {
  echo "$(date +%H:%M:%S) $2: giving $NODE its old WAR back" >&2
  run "$STOP" || : # it may be stopped
  with='its old WAR'
  run "$ROLLBACK" || with='what it has: the old WAR could not be put back'
  run "$START" || : # it may not have been stopped
  control DELETE '' 10 >/dev/null 2>&1 || : # then it drains still
  draining=''
  works || fail "$1" "$NODE does not serve: it needs you"
  fail "$1" "$NODE serves again, with $with"
}

wait_seconds=$(seconds "$DRAIN_WAIT")

# Two nodes out at once are an outage. This asks for the status: polls of "ready" would make us a prober to wait for.
for NODE in "$@"; do
  control GET '' 10 >"$work/answer" || fail 5 "$NODE does not answer: nothing was done"
  grep -q '"state":"SERVING"' "$work/answer" || fail 5 "$NODE is not serving: nothing was done"
done
for NODE in "$@"; do
  run "$STAGE" || fail 3 "the new WAR cannot be laid ready on $NODE: all nodes serve, unchanged"
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
    if [ "$NOT_DRAINED" = abort ] || ! grep -q '"state":"\(LAME_DUCK\|DRAINING\|EXPIRED\)"' "$work/answer"; then
      fail 1 "$NODE was not drained within $DRAIN_WAIT: nothing was changed on it"
    fi
    say "$NODE was not drained within $DRAIN_WAIT: going on, as NOT_DRAINED says"
  fi

  waiting=''
  say "$NODE: stopping, installing, starting"
  run "$STOP" || give_back 3 "$NODE could not be stopped"
  draining=''
  run "$INSTALL" || give_back 3 "the new WAR could not be installed"
  run "$START" || give_back 3 "$NODE could not be started"
  works || give_back 4 "$NODE did not come back with the new WAR"
  say "$NODE is ready"
done
say "upgraded: $*"
