#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hypertrace top on a terminal: takes the screen, shows pages, ends by q and by Ctrl-C, and leaves the terminal as it was."""
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

HYPERTRACE = os.environ["HYPERTRACE"]
ENTER, LEAVE = b"\033[?1049h", b"\033[?1049l"


def read_until(fd, wanted, seconds=20):
    output, end = b"", time.monotonic() + seconds
    while wanted not in output and time.monotonic() < end:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                output += os.read(fd, 65536)
            except OSError:  # the other side has gone
                break
    return output


def session(way):
    """One run that ends by `way`. Returns what is wrong, or None."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 60, 0, 0))
    before = termios.tcgetattr(slave)
    process = subprocess.Popen([HYPERTRACE, "top", "--delay", "200ms"], stdin=slave, stdout=slave, stderr=slave,
                               start_new_session=True)
    output = read_until(master, b"hypertrace top  ")
    during = termios.tcgetattr(slave)
    output += read_until(master, b"\033[H", 5)
    if way == "q":
        os.write(master, b"q")
    else:
        process.send_signal(way)
    output += read_until(master, LEAVE)
    try:
        status = process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        return "it does not end"
    after = termios.tcgetattr(slave)
    os.close(slave)
    os.close(master)
    if status != 0:
        return f"status {status}"
    if ENTER not in output or output.rfind(LEAVE) < output.rfind(ENTER):
        return f"the screen was not given back: {output!r}"
    if during[3] & (termios.ICANON | termios.ECHO):
        return "keys do not come at once"
    if after != before:
        return f"the terminal is another one: {before}, {after}"
    pages = output.split(b"\033[H")[1:]
    lines = [line for page in pages for line in page.split(b"\n")]
    wide = [line for line in lines if b"\033[?" not in line and len(line.replace(b"\033[0m", b"").replace(
        b"\033[K", b"").replace(b"\033[J", b"").replace(b"\033[2m", b"").strip(b"\r").decode()) > 60]
    if wide or any(page.count(b"\n") > 9 for page in pages):
        return f"a page is larger than the terminal: {wide}"
    return None


def main():
    wrong = 0
    for way in ("q", signal.SIGINT, signal.SIGTERM):
        why = session(way)
        if why:
            print(f"end by {way}: {why}")
            wrong += 1
    pages = subprocess.run([HYPERTRACE, "top", "--batch", "2", "--delay", "100ms"], capture_output=True, text=True,
                           stdin=subprocess.DEVNULL, timeout=60)
    if pages.returncode or pages.stdout.count("hypertrace top  ") != 2 or "\033" in pages.stdout:
        print(f"--batch: {pages}")
        wrong += 1
    return wrong


sys.exit(1 if main() else 0)
