# SPDX-License-Identifier: MIT
"""Damages a Xen trace in one way each, and says what a careful reader must still find.

A case has the bytes, and by hand what is to be found: the events, the bytes that no reader can use (with where they begin),
and what else is to be said. The good trace's frames are trusted: they are xentrace's own.
"""
import gzip
import struct

CPU_CHANGE = 0x2001f003


class Trace:
    def __init__(self, data):
        self.data = bytes(data)
        self.records = []  # (offset, word, bytes)
        offset = 0
        while offset < len(data):
            word, = struct.unpack_from("<I", data, offset)
            size = 4 + 8 * (word >> 31) + 4 * (word >> 28 & 7)
            self.records.append((offset, word, size))
            offset += size
        self.windows = [record for record in self.records if record[1] == CPU_CHANGE]
        self.events = [record for record in self.records if record[1] != CPU_CHANGE]
        # the window in the middle of the file, and the record in the middle of it
        self.window = self.windows[len(self.windows) // 2][0]
        self.window_bytes, = struct.unpack_from("<I", data, self.window + 8)
        self.window_end = self.window + 12 + self.window_bytes
        inside = [r for r in self.events if self.window < r[0] < self.window_end]
        self.record, self.word, self.size = inside[len(inside) // 2]
        self.last, _, self.last_size = inside[-1]

    def before(self, offset):
        """How many events end before that place."""
        return sum(o + size <= offset for o, _, size in self.events)

    def patched(self, offset, form, *values):
        data = bytearray(self.data)
        struct.pack_into(form, data, offset, *values)
        return bytes(data)


class Case:
    def __init__(self, name, data, events=None, skipped=0, at=None, says=(), error=None):
        self.name, self.data, self.events, self.skipped, self.at = name, data, events, skipped, at
        self.says, self.error = says, error  # texts on stderr; error: nothing at all can be read


def cases(trace):
    t, data, count = trace, trace.data, len(trace.events)
    first_end = t.windows[1][0]
    in_first = t.before(first_end)
    in_window = t.before(t.window_end) - t.before(t.window)
    window_word = "window is not as long as it says"
    no_trace, cut = "no trace of Xen", "cut by the end of the file"

    yield Case("intact", data, count)
    # files that end too early
    yield Case("empty", b"", error="is empty")
    yield Case("3bytes", data[:3], error=no_trace)
    yield Case("8bytes", data[:8], error=no_trace)
    yield Case("only-cpu-change", data[:12], 0, says=[f"the file ends {first_end - 12:,} bytes before"])
    yield Case("cut-at-record", data[:t.record], t.before(t.record),
               says=[f"the file ends {t.window_end - t.record:,} bytes before"])
    yield Case("cut-in-record", data[:t.record + 6], t.before(t.record), 6, t.record, [cut])
    yield Case("cut-in-header", data[:t.record + 2], t.before(t.record), 2, t.record, [cut])
    yield Case("cut-in-last-byte", data[:t.record + t.size - 1], t.before(t.record), t.size - 1, t.record, [cut])
    yield Case("cut-at-window", data[:t.window], t.before(t.window))
    yield Case("cut-in-cpu-change", data[:t.window + 8], t.before(t.window), 8, t.window, [cut])
    # something behind
    yield Case("trailing-garbage", data + b"\xff" * 64, count, 64, len(data), ["of no known pCPU"])
    yield Case("trailing-zeros", data + bytes(64), count, 64, len(data), ["of no known pCPU"])
    yield Case("trailing-byte", data + b"x", count, 1, len(data))
    # a window whose pCPU is not known: its events are whole, and nobody's
    yield Case("no-first-cpu-change", data[12:], count - in_first, first_end - 12, 0, ["of no known pCPU"])
    yield Case("cpu-change-destroyed", t.patched(t.window, "<I", 0xffffffff), count - in_window,
               t.window_bytes + 12, t.window, ["of no known pCPU"])
    yield Case("impossible-pcpu", t.patched(t.window + 4, "<I", 0xfffffff0), count - in_window,
               t.window_bytes + 12, t.window, ["of no known pCPU"])
    # a record that cannot be one: it is lost, and no other
    for name, word in (("header-ff", 0xffffffff), ("header-00", 0),
                       ("two-classes", t.word & 0xf0000000 | 0x0030f001)):
        yield Case(name, t.patched(t.record, "<I", word), count - 1, t.size, t.record, ["damaged records"])
    yield Case("extra-word-less", t.patched(t.record, "<I", t.word - (1 << 28)), count - 1, t.size, t.record)
    yield Case("extra-word-more", t.patched(t.record, "<I", t.word + (1 << 28)), count - 1, t.size, t.record)
    yield Case("last-in-window", t.patched(t.last, "<I", 0xffffffff), count - 1, t.last_size, t.last)
    yield Case("last-in-window-longer", t.patched(t.last, "<I", t.word | 7 << 28), count - 1, t.last_size, t.last)
    yield Case("two-in-a-window", Trace(t.patched(t.record, "<I", t.word)).patched(t.last, "<I", 0), count - 1,
               t.last_size, t.last)
    middle = [o for o, _, _ in t.events if o > t.record][4]
    yield Case("noise", data[:t.record] + b"\xa5" * (middle - t.record) + data[middle:], count - 5, middle - t.record,
               t.record)
    yield Case("bytes-missing", data[:t.record + 5] + data[t.record + 8:], count - 1, t.size - 3, t.record)
    yield Case("bytes-too-many", data[:t.record] + b"\x01\x02\x03" + data[t.record:], count, 3, t.record)
    # unlikely, but possible
    yield Case("unknown-runstate", t.patched(t.record, "<I", t.word & 0xf0000000 | 0x00021ff1), count)
    yield Case("pcpu-200", t.patched(t.window + 4, "<I", 200), count)
    yield Case("pcpu-256", t.patched(t.window + 4, "<I", 256), count)
    yield Case("pcpu-5000", t.patched(t.window + 4, "<I", 5000), count)
    # a window's size is only a hint
    for name, size in (("window+8", t.window_bytes + 8), ("window-8", t.window_bytes - 8), ("window-huge", 0x7fffffff),
                       ("window-0", 0)):
        yield Case(name, t.patched(t.window + 8, "<I", size), count, says=[window_word])
    # TSCs
    yield Case("tsc-1", t.patched(t.record + 4, "<Q", 1), count, says=["1 event has a TSC out of row"])
    yield Case("tsc-max", t.patched(t.record + 4, "<Q", 2**64 - 1), count, says=["1 event has a TSC out of row"])
    # other files
    swapped = b"".join(data[i:i + 4][::-1] for i in range(0, len(data), 4))
    yield Case("big-endian", swapped, error="big-endian")
    yield Case("gzip", gzip.compress(data), error="zcat")
    yield Case("zstd", b"\x28\xb5\x2f\xfd" + bytes(100), error="zstdcat")
    yield Case("elf", b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 80, error=no_trace)
    yield Case("text", b"hello world, this is not a trace file\n" * 20, error=no_trace)
