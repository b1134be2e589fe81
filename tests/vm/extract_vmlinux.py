#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""extract_vmlinux.py VMLINUZ VMLINUX: the ELF image inside a bzImage, which QEMU starts at once by PVH.

The place of the compressed payload stands in the setup header: Documentation/arch/x86/boot.rst, payload_offset.
"""
import lzma
import struct
import subprocess
import sys
import zlib

COMMANDS = {b"\x28\xb5\x2f\xfd": "zstd", b"\x02\x21\x4c\x18": "lz4"}


def decompress(payload):
    if payload[:6] == b"\xfd7zXZ\0":
        return lzma.LZMADecompressor().decompress(payload)
    if payload[:2] == b"\x1f\x8b":
        return zlib.decompressobj(31).decompress(payload)
    command = COMMANDS.get(payload[:4]) or sys.exit(f"unknown compression {payload[:6].hex()}")
    # the payload's last four bytes are its size, which these programs take for garbage: their status says nothing
    return subprocess.run([command, "-dc"], input=payload, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


image = open(sys.argv[1], "rb").read()
setup_sectors = image[0x1F1] or 4
offset, length = struct.unpack_from("<II", image, 0x248)
start = (setup_sectors + 1) * 512 + offset
vmlinux = decompress(image[start : start + length])
if vmlinux[:4] != b"\x7fELF":
    sys.exit(f"{sys.argv[1]}: holds no ELF image")
open(sys.argv[2], "wb").write(vmlinux)
