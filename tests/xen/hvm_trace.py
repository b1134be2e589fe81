# SPDX-License-Identifier: MIT
"""Makes a Xen trace of an HVM domain with every kind of exit record, as no emulated host can record one."""
import random
import struct

RUNNING, RUNNABLE, BLOCKED = 0, 1, 2


class Trace:
    """One pCPU's records."""

    def __init__(self, tsc=1_000_000_000):
        self.tsc = tsc
        self.records = bytearray()

    def put(self, code, *words, after=1000):
        self.tsc += after
        self.records += struct.pack("<IQ%dI" % len(words), code | len(words) << 28 | 1 << 31, self.tsc, *words)

    def change(self, dom, vcpu, old, new, after=1000):
        self.put(0x21001 | new << 4 | old << 8, dom << 16 | vcpu, after=after)

    def switch(self, out, state, into, after=1000):
        self.change(*out, RUNNING, state, after=after)
        self.change(*into, RUNNABLE, RUNNING, after=200)

    def exit(self, reason, rip, *handlers, took=3000):
        self.put(0x81102, reason, rip & 0xffffffff, rip >> 32, after=5000)
        for code, *words in handlers:
            self.put(code, *words, after=500)
        self.put(0x81001, after=took)

    def window(self, pcpu):
        return struct.pack("<III", 0x1f003 | 2 << 28, pcpu, len(self.records)) + bytes(self.records)


def make(rounds=200, seed=7):
    """Two vCPUs of domain 5 take turns with the idle vCPU on pCPU 0."""
    pick = random.Random(seed)
    trace = Trace()
    idle, guests = (32767, 0), [(5, 0), (5, 1)]
    trace.change(*idle, RUNNABLE, RUNNING)
    for guest in guests:
        trace.change(*guest, BLOCKED, RUNNABLE)
        trace.switch(idle, RUNNABLE, guest)
        trace.switch(guest, BLOCKED, idle)
    for i in range(rounds):
        guest = guests[i % 2]
        trace.change(*guest, BLOCKED, RUNNABLE, after=20000 + pick.randrange(50000))
        trace.switch(idle, RUNNABLE, guest, after=3000)
        vector = pick.choice([0x30, 0x41, 0xef])
        trace.put(0x82004, vector, 0)
        trace.put(0x81001)
        rip = 0xffffffff81000000 + pick.randrange(1 << 20)
        for _ in range(pick.randrange(1, 12)):
            took = 1000 + pick.randrange(9000)
            kind = pick.randrange(8)
            if kind == 0:
                trace.exit(1, rip, (0x8200f, pick.choice([0xfa, 0xfd, 0x31])), took=took)
            elif kind == 1:
                trace.exit(30, rip, (pick.choice([0x82016, 0x82216]), pick.choice([0x60, 0x3f8]), 1), took=took)
            elif kind == 2:
                trace.exit(28, rip, (0x82109, 3, pick.randrange(1 << 20) << 12, 0), took=took)
            elif kind == 3:
                trace.exit(18, rip, (0x82012, pick.choice([12, 24, 29, 34])), took=took)
            elif kind == 4:
                trace.exit(10, rip, (0x8200e, 1, 0, 0, 0, 0, 0), took=took)
            elif kind == 5:
                trace.exit(48, rip, (0x82021, pick.randrange(1 << 30), 0, 5, 0, 3, 1), took=took)
            elif kind == 6:
                trace.exit(32, rip, (0x8200d, 0x830, 7, 0), took=took)
            else:
                trace.put(0x82004, pick.choice([0x30, 0x41, 0xef]), 0)
                trace.exit(7, rip, took=took)
        # it halts: the exit lasts until it is woken
        trace.put(0x81102, 12, rip & 0xffffffff, rip >> 32, after=4000)
        trace.put(0x82013, 0, after=300)
        trace.switch(guest, BLOCKED, idle)
    return trace.window(0)
