#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A shell in a guest, on a terminal: keys and echo pass through, Ctrl-C ends the run, the terminal is as before."""
import os
import pty
import select
import subprocess
import sys
import termios
import time

HYPERTRACE = os.environ["HYPERTRACE"]


class Session:
    def __init__(self, *command):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.seen = b""
        self.process = subprocess.Popen(
            [HYPERTRACE, "run", "--no-trace", "--timeout", "120", "--", *command], stdin=self.slave,
            stdout=self.slave, stderr=self.slave, preexec_fn=self.take_terminal)

    def take_terminal(self):
        os.setsid()
        os.close(os.open(os.ttyname(0), os.O_RDWR))  # the first terminal opened becomes the session's

    def type(self, keys):
        os.write(self.master, keys)

    def wait_for(self, text, seconds=120):
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                sys.exit(f"no {text!r} in {self.seen!r}")
            self.seen += os.read(self.master, 4096)
        self.seen = self.seen.split(text, 1)[1]

    def end(self, status):
        self.process.wait(60)
        assert self.process.returncode == status, f"status {self.process.returncode}, not {status}"
        assert termios.tcgetattr(self.slave) == self.before, "the terminal is not as it was"


def shell():
    session = Session("sh")
    session.wait_for(b"# ")
    session.type(b"echo one $((1 + 1))\r")
    session.wait_for(b"one 2\r\n")
    session.type(b"sh -c 'tty; sleep 1000'\r")
    session.wait_for(b"/dev/ttyS0")
    session.type(b"\x1a")  # Ctrl-Z is the guest's
    session.wait_for(b"Stopped")
    session.type(b"exit 5\r")
    session.wait_for(b"# ")
    session.type(b"exit 5\r")
    session.end(5)


def interrupted():
    session = Session("sh", "-c", "echo started; sleep 1000")
    session.wait_for(b"started")
    session.type(b"\x03")
    session.end(130)


shell()
interrupted()
print("all as expected")
