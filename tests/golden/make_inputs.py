#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make_inputs.py DIRECTORY: the bad inputs of the transcripts here, made of the good trace beside this file."""
import gzip
import os
import pathlib
import random
import shutil
import struct
import sys

GOOD = pathlib.Path(__file__).resolve().parent / "trace"
REGION_MAGIC = 0x4543415254505948  # abi/region.h
PAGES = 1 << 20


def packets(path):
    """Where each packet of a stream begins (lib/model/ctf_layout.h: packet_size is the u64 at byte 48)."""
    data, offset = path.read_bytes(), 0
    while offset < len(data):
        yield offset
        offset += struct.unpack_from("<Q", data, offset + 48)[0] // 8


def trace(name, change=None):
    shutil.copytree(GOOD, name)
    if change:
        change(pathlib.Path(name))


def patch(path, offset, data):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)


def replace(path, old, new):
    text = path.read_text()
    assert old in text, (path, old)
    path.write_text(text.replace(old, new))


def in_packet(number, offset, data):
    def change(top):
        stream = top / "vm1/cpu1"
        patch(stream, list(packets(stream))[number] + offset, data)
    return change


def traces():
    stream = GOOD / "vm1/cpu1"
    starts = list(packets(stream))
    trace("good")
    shutil.copytree(GOOD.with_name("functions"), "functions")
    trace("cut", lambda top: os.truncate(top / "vm1/cpu1", starts[4] + 300))
    trace("cut-header", lambda top: os.truncate(top / "vm1/cpu1", starts[4] + 20))
    trace("no-magic", in_packet(3, 0, b"\xff\xff\xff\xff"))
    trace("huge-packet", in_packet(3, 48, struct.pack("<Q", 1 << 62)))
    trace("other-uuid", in_packet(3, 4, b"\0" * 16))
    trace("wrong-events", in_packet(3, 80, struct.pack("<I", 3)))
    trace("noise-in-packet", in_packet(3, 88, b"\xff" * 40))
    trace("newer", lambda top: replace(top / "hypertrace.json", '"format": 1', '"format": 2'))
    trace("no-json", lambda top: (top / "hypertrace.json").write_text("{ nothing"))
    trace("wrong-json", lambda top: replace(top / "hypertrace.json", '"vm1"', '"../../etc"'))
    trace("noise-metadata", lambda top: (top / "vm1/metadata").write_bytes(random.Random(1).randbytes(4096)))
    trace("cut-metadata", lambda top: os.truncate(top / "vm1/metadata", 900))
    trace("waiting", lambda top: (top / "vm1/metadata").unlink())
    os.mkdir("empty")
    os.mkdir("foreign")
    pathlib.Path("foreign/metadata").write_text(
        '/* CTF 1.8 */\ntrace {\n\tmajor = 1;\n\tminor = 8;\n\tbyte_order = be;\n};\nenv {\n\tdomain = "ust";\n};\n')
    pathlib.Path("file").write_text("no trace\n")


def region(name, **words):
    header = {"magic": REGION_MAGIC, "version": 3, "header_bytes": 1168, "rings": 3, "packets": 16, "bytes": 4096,
              "mode": 0, "rings_offset": 24576, "data_offset": 28672, **words}
    data = bytearray(PAGES)
    struct.pack_into("<QIIQQIIIIQQ", data, 0, header["magic"], header["version"], header["header_bytes"], PAGES, 7,
                     header["rings"], header["packets"], header["bytes"], header["mode"], header["rings_offset"],
                     header["data_offset"])
    pathlib.Path(name).write_bytes(data)


def regions():
    pathlib.Path("small.region").write_bytes(bytes(4096))
    pathlib.Path("zeros.region").write_bytes(bytes(PAGES))
    pathlib.Path("noise.region").write_bytes(random.Random(2).randbytes(PAGES))
    region("version.region", version=99)
    region("header.region", header_bytes=8)
    region("rings.region", rings=100000)
    region("packets.region", packets=17)
    region("mode.region", mode=5)
    region("outside.region", data_offset=PAGES - 4096)
    region("forbidden.region")
    os.chmod("forbidden.region", 0)
    os.mkdir("directory.region")


def dump(name, content=b"", machine=62, kind=4, segments=1):
    """An ELF core (machine 62: x86-64, kind 4: a core) whose RAM is said to be 64 KiB at offset 4096."""
    header = struct.pack("<4sBBBB8sHHIQQQIHHHHHH", b"\177ELF", 2, 1, 1, 0, b"", kind, machine, 1, 0, 64, 0, 0, 64, 56,
                         segments, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 4, 4096, 0, 0, 65536, 65536, 0)
    pathlib.Path(name).write_bytes((header + load).ljust(4096, b"\0") + content)


def memories():
    dump("zeros.dump", bytes(65536))
    dump("cut.dump", bytes(4096))
    dump("early.dump")
    dump("arm.dump", bytes(65536), machine=183)
    dump("program.dump", bytes(65536), kind=3)
    dump("nothing.dump", segments=0)
    pathlib.Path("kdump.dump").write_bytes(b"KDUMP   " + bytes(4096))
    pathlib.Path("saved.dump").write_bytes(b"LibvirtQemudSave" + bytes(4096))
    pathlib.Path("packed.dump").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(4096))
    pathlib.Path("empty.ram").write_bytes(b"")
    pathlib.Path("zeros.ram").write_bytes(bytes(PAGES))
    pathlib.Path("forbidden.ram").write_bytes(bytes(PAGES))
    os.chmod("forbidden.ram", 0)
    os.mkfifo("pipe.ram")


def xen_damaged():
    real = (GOOD.parent / "xen/pv.trace").read_bytes()
    second = 12 + struct.unpack_from("<I", real, 8)[0]  # where the second window begins
    for name, data in {
        "empty": b"", "three": real[:3], "text": b"no trace of Xen\n" * 9, "gzip": gzip.compress(real, mtime=0),
        "big-endian": b"".join(real[i:i + 4][::-1] for i in range(0, len(real), 4)), "cut": real[:second],
        "cut-record": real[:second - 3], "headless": real[12:],
        "wrong-window": real[:8] + struct.pack("<I", 1 << 20) + real[12:], "trailing": real + b"\xff" * 100,
    }.items():
        pathlib.Path(f"{name}.xen").write_bytes(data)


def xen_conversions():
    real = (GOOD.parent / "xen/pv.trace").read_bytes()
    pathlib.Path("pv.xen").write_bytes(real)
    pathlib.Path("noise-inside.xen").write_bytes(real[:20000] + b"\xff" * 64 + real[20000:])
    for name, text in {
        "good": "# wakes\n\n0x28004 %(cpu)d: d%(1)dv%(2)d\n",
        "number": "0x21002 fine\nwake %(1)d\n",
        "large": "0x100000000 %(1)d\n",
        "empty-rule": "0x21002\n",
        "field": "0x21002 %(pcpu)d\n",
        "nameless": "0x21002 %d\n",
        "open": "0x21002 %(cpu\n",
        "conversion": "0x21002 %(cpu)n\n",
        "ends": "0x21002 %(cpu)08\n",
        "wide": "0x21002 %(cpu)1000000000d\n",
        "star": "0x21002 %(cpu)*d\n",
        "long": "0x21002 " + "x" * 5000 + "\n",
        "binary": "0x21002 \0\n",
    }.items():
        pathlib.Path(name + ".formats").write_text(text)


def xen_symbols():
    for name, text in {
        "good": "0000000000000000 A zero\nffffffff81000000 T _text\nffffffff8107ee00 t read_msr\nffffffff81146a40 T flush\n"
                "                 U elsewhere\nffffffff812e525c W set_pte\t[mm]\nffffffff81300000 T behind\n",
        "hidden": "0000000000000000 T _text\n0000000000000000 t read_msr\n",
        "sizes": "ffffffff81000000 0000000000000010 T _text\n",
        "words": "Symbols from xen-syms:\n",
        "cut": "ffffffff81000000 T _text\nffffffff8107ee",
        "quote": 'ffffffff81000000 T _text\nffffffff81000010 T x"y\n',
        "escape": "ffffffff81000000 T x\x1b[31m\n",
        "binary": "\x7fELF\0\0\0\0",
    }.items():
        pathlib.Path(name + ".map").write_text(text)


os.chdir(sys.argv[1])
traces()
regions()
memories()
xen_damaged()
xen_conversions()
xen_symbols()
