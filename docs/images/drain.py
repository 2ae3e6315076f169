#!/usr/bin/env python3
"""Draws drain.svg from a real run of the sample: what a drain does to the uploads in flight, and to those who come.

    mvn -B -q -DskipTests package && docs/images/drain.py

Starts the sample, lets curl upload eight files, some of them too late, asks for a page five times a second, drains in the middle, and
draws what the server and the clients saw. Needs java and curl. Uses nothing that does not come with Python 3.
"""
import glob
import json
import os
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TOKEN = "the-token-of-a-picture"
DRAIN_AT = 3.0
LAME_DUCK = "2500ms"
# When each upload begins, and how long it should take.
UPLOADS = [(0.3, 4.5), (0.9, 9.0), (1.6, 6.2), (2.4, 10.5), (3.8, 5.0), (4.9, 7.2), (7.0, 3.0), (9.0, 3.0)]
RATE = 200_000


def run():
    jar = glob.glob(os.path.join(HERE, "../../sample-webapp/target/sample-webapp-*-exec.jar"))[0]
    server = subprocess.Popen(
        ["java", "-jar", jar, "--port", "0", "--token", TOKEN, "--lame-duck", LAME_DUCK],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    root = ""
    for line in server.stdout:
        if line.startswith("  Open "):
            root = line.split()[1].rstrip("/")
        if line.startswith("  Stop "):
            break
    threading.Thread(target=server.stdout.read, daemon=True).start()
    begin = time.monotonic()
    now = lambda: time.monotonic() - begin
    uploads, pages, states = [], [], []

    def upload(at, seconds):
        time.sleep(max(0, at - now()))
        with tempfile.NamedTemporaryFile() as file:
            file.truncate(int(RATE * seconds))
            started = now()
            status = subprocess.run(
                ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--limit-rate", str(RATE),
                 "-F", "title=picture", "-F", f"file=@{file.name}", root + "/upload"],
                capture_output=True, text=True).stdout
            uploads.append((started, now(), int(status)))

    def ask(path, method="GET", token=False):
        request = urllib.request.Request(root + path, method=method)
        if token:
            request.add_header("Authorization", "Bearer " + TOKEN)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, b""

    clients = [threading.Thread(target=upload, args=each) for each in UPLOADS]
    for client in clients:
        client.start()
    drained = False
    next_page = 0.0
    while True:
        status = json.loads(ask("/drain", token=True)[1])
        states.append((now(), status["state"], status["inFlight"]["uploads"]))
        if now() >= next_page:
            pages.append((now(), ask("/page")[0]))
            next_page += 0.2
        if not drained and now() >= DRAIN_AT:
            ask("/drain?reason=picture", "POST", token=True)
            drained = True
        if status["state"] == "DRAINED" and now() > states[-1][0] and all(not c.is_alive() for c in clients):
            over = next(t for t, state, _ in states if state == "DRAINED")
            if now() > over + 1.0:
                break
        time.sleep(0.04)
    server.terminate()
    server.wait()
    return sorted(uploads), pages, states


def draw(uploads, pages, states):
    width, left, right, row = 860, 150, 20, 17
    end = states[-1][0]
    x = lambda t: left + (width - left - right) * t / end
    out = []
    top = 34
    bars = top + 8
    count = bars + row * len(uploads) + 20
    height_of_count = 70
    most = max(n for _, _, n in states)
    y = lambda n: count + height_of_count - height_of_count * n / most
    marks = count + height_of_count + 26
    height = marks + 62
    # Phases.
    phases, since = [], 0.0
    for (t, state, _), following in zip(states, states[1:] + [(end, None, 0)]):
        if following[1] != state:
            phases.append((state, since, following[0]))
            since = following[0]
    names = {"SERVING": "serving", "LAME_DUCK": "lame duck", "DRAINING": "draining", "DRAINED": "drained"}
    for state, a, b in phases:
        out.append(f'<rect class="{state.lower()}" x="{x(a):.1f}" y="20" width="{x(b) - x(a):.1f}" height="{marks - 6}"/>')
        out.append(f'<text x="{(x(a) + x(b)) / 2:.1f}" y="15" text-anchor="middle" class="phase">{names[state]}</text>')
    # Uploads.
    out.append(f'<text x="{left - 10}" y="{bars + row * len(uploads) / 2 + 4:.1f}" text-anchor="end">uploads</text>')
    for i, (a, b, status) in enumerate(uploads):
        at = bars + row * i
        kind = "kept" if status == 200 else "refused"
        word = "arrived: 200" if status == 200 else f"refused at once: {status}"
        size = max(4, x(b) - x(a))
        out.append(f'<rect class="{kind}" x="{x(a):.1f}" y="{at}" width="{size:.1f}" height="{row - 4}" rx="3"/>')
        if status == 200:
            out.append(f'<text class="in" x="{x(a) + 6:.1f}" y="{at + 10}">{word}</text>')
        else:
            out.append(f'<text class="bad" x="{x(a) + size + 5:.1f}" y="{at + 10}">{word}</text>')
    # In flight.
    out.append(f'<text x="{left - 10}" y="{count + height_of_count / 2 + 4:.1f}" text-anchor="end">uploads in flight</text>')
    path, last = [], None
    for t, _, n in states:
        path.append(f"{'M' if last is None else 'H'}{x(t):.1f}" + (f" {y(n):.1f}" if last is None else f"V{y(n):.1f}"))
        last = n
    out.append(f'<path class="count" d="{"".join(path)}"/>')
    out.append(f'<text class="small" x="{left - 4}" y="{y(most) + 4:.1f}" text-anchor="end">{most}</text>')
    out.append(f'<text class="small" x="{left - 4}" y="{y(0) + 4:.1f}" text-anchor="end">0</text>')
    # Pages.
    out.append(f'<text x="{left - 10}" y="{marks + 10}" text-anchor="end">pages</text>')
    for t, status in pages:
        out.append(f'<rect class="{"kept" if status == 200 else "refused"}" x="{x(t) - 1.5:.1f}" y="{marks}" width="3" height="13"/>')
    # Time.
    for second in range(0, int(end) + 1, 2):
        out.append(f'<text class="small" x="{x(second):.1f}" y="{marks + 32}" text-anchor="middle">{second} s</text>')
    kept = sum(1 for _, status in pages if status == 200)
    told = next(t for t, state, _ in states if state != "SERVING")
    out.append(f'<text class="small" x="{left}" y="{height - 8}">{kept} pages served, {len(pages) - kept} refused; '
               f'drain begun at {told:.1f} s. Green: answered 200. Red: refused, nothing of it read.</text>')
    title = (f"A drain: {sum(1 for u in uploads if u[2] == 200)} uploads arrive, {sum(1 for u in uploads if u[2] != 200)} that come "
             "once the node drains are refused at once")
    return f'''<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">
<!-- Drawn by drain.py from a real run. -->
<style>
text {{ font: 12px system-ui, sans-serif; fill: #1c2420 }}
.phase {{ font-weight: 700 }} .small {{ font-size: 11px; fill: #55605a }}
.in {{ fill: #fff; font-size: 10px }} .bad {{ fill: #a8201a; font-size: 10px }}
.serving {{ fill: #eef3f0 }} .lame_duck {{ fill: #f7ecd6 }} .draining {{ fill: #f3dcd9 }} .drained {{ fill: #e3ebe7 }}
.kept {{ fill: #0b6b53 }} .refused {{ fill: #a8201a }} .count {{ fill: none; stroke: #1a5fb4; stroke-width: 2 }}
</style>
<rect width="{width}" height="{height}" fill="#fff"/>
''' + "\n".join(out) + "\n</svg>\n"


if __name__ == "__main__":
    with open(os.path.join(HERE, "drain.svg"), "w") as file:
        file.write(draw(*run()))
