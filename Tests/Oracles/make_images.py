#!/usr/bin/env python3
"""Small pictures in every format that is read, and the grey levels that Pillow sees in them.

    python3 -m venv .build/oracles && .build/oracles/bin/pip install numpy==2.3.* pillow==12.*
    .build/oracles/bin/python Tests/Oracles/make_images.py

writes Tests/RecognitionTests/Fixtures/decoding: the pictures, and expected.json with, for each, its width, height,
grey levels in hexadecimal, and by how much a level may differ (rounding of the colour transform, see `slack`).
What Pillow cannot write (16-bit colour, Adam7) is put together here with zlib, and its levels come from the numbers
that went in.
"""
import binascii
import io
import json
import pathlib
import struct
import zlib

import numpy as np
import PIL
from PIL import Image, ImageOps

out = pathlib.Path(__file__).resolve().parent.parent / "RecognitionTests/Fixtures/decoding"
out.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(20261124)
W, H = 13, 9
madeBy = f"Tests/Oracles/make_images.py, Pillow {PIL.__version__}, numpy {np.__version__}, seed 20261124"
expected = {}


def keep(name, data, grey, slack=0):
    (out / name).write_bytes(data)
    grey = np.asarray(grey)
    assert grey.min() >= 0 and grey.max() <= 255
    expected[name] = {
        "width": grey.shape[1], "height": grey.shape[0], "slack": slack,
        "levels": grey.astype(np.uint8).tobytes().hex()}


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def pillow(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def over_white(rgba):
    base = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    return np.asarray(Image.alpha_composite(base, rgba).convert("L"))


# A smooth picture with some noise, so that JPEG has something to do.
ys, xs = np.mgrid[0:H, 0:W]
smooth = 128 + 90 * np.sin(xs / 3.0) * np.cos(ys / 2.5)
grey = np.clip(smooth + rng.normal(0, 8, (H, W)), 0, 255).astype(np.uint8)
rgb = np.stack([np.clip(smooth + 40 * np.cos((xs + k * ys) / 4.0), 20, 235) for k in (1, 2, 3)], -1).astype(np.uint8)
alpha = ((xs * 255) // (W - 1)).astype(np.uint8)
grey16 = rng.integers(0, 65536, (H, W))
rgb16 = rng.integers(0, 65536, (H, W, 3))
to8 = lambda v, largest=65535: (2 * 255 * v + largest) // (2 * largest)
luma = lambda a: (a[..., 0].astype(int) * 19595 + a[..., 1].astype(int) * 38470 + a[..., 2].astype(int) * 7471 + 32768) >> 16


# --- PNG
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", binascii.crc32(kind + data))


def png(colour, depth, rows, interlaced=0, width=W, height=H):
    """`rows`: bytes of the filtered rows."""
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def packed(row, depth):
    bits = "".join(format(int(v), f"0{depth}b") for v in row)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


g = Image.fromarray(grey)
keep("grey8.png", d := saved(g, "PNG"), pillow(d))
for depth in (1, 2, 4):
    v = grey >> (8 - depth)
    data = png(0, depth, b"".join(b"\0" + packed(row, depth) for row in v))
    keep(f"grey{depth}.png", data, to8(v.astype(int), 2**depth - 1))
keep("grey16.png", png(0, 16, b"".join(b"\0" + row.astype(">u2").tobytes() for row in grey16)), to8(grey16))
keep("rgb16.png", png(2, 16, b"".join(b"\0" + row.astype(">u2").tobytes() for row in rgb16)), luma(to8(rgb16)))
c = Image.fromarray(rgb)
keep("rgb8.png", d := saved(c, "PNG"), pillow(d))
# Compositing and luma each round once, in another order than here.
rgba = Image.fromarray(np.dstack([rgb, alpha]), "RGBA")
keep("rgba8.png", saved(rgba, "PNG"), over_white(rgba), slack=1)
la = Image.fromarray(np.dstack([grey, alpha]), "LA")
keep("grey-alpha8.png", saved(la, "PNG"), over_white(la.convert("RGBA")), slack=1)
palette = c.quantize(7)
keep("palette.png", d := saved(palette, "PNG"), pillow(d))
keep("palette-transparent.png", d := saved(palette, "PNG", transparency=bytes([0, 128, 255, 255, 10, 255, 255])),
     over_white(Image.open(io.BytesIO(d)).convert("RGBA")), slack=1)
adam7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
rows = b"".join(b"\0" + row.tobytes() for x, y, dx, dy in adam7 for row in grey[y::dy, x::dx] if row.size)
keep("interlaced.png", d := png(0, 8, rows, interlaced=1), grey)
assert (pillow(d) == grey).all()
keep("one-pixel.png", d := saved(Image.new("L", (1, 1), 77), "PNG"), pillow(d))


# --- JPEG; Pillow's draft mode gives libjpeg's own luminance, without a way through red, green and blue.
def drafted(data):
    image = Image.open(io.BytesIO(data))
    image.draft("L", image.size)
    return np.asarray(image)


keep("grey.jpg", d := saved(g, "JPEG", quality=90), drafted(d))
keep("rgb-444.jpg", d := saved(c, "JPEG", quality=90, subsampling=0), drafted(d))
keep("rgb-420.jpg", d := saved(c, "JPEG", quality=75, subsampling=2), drafted(d))
keep("progressive.jpg", d := saved(c, "JPEG", quality=85, progressive=True), drafted(d))
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    d = saved(g, "JPEG", quality=90, exif=exif)
    keep(f"orientation-{orientation}.jpg", d, np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(d)))))
(out / "cmyk.jpg").write_bytes(saved(c.convert("CMYK"), "JPEG"))


# --- PGM, PPM
def plain(values):
    return "\n".join(" ".join(str(int(v)) for v in row.reshape(-1)) for row in values)


keep("raw.pgm", d := saved(g, "PPM"), pillow(d))
keep("raw.ppm", d := saved(c, "PPM"), pillow(d))
keep("plain.pgm", d := f"P2 # a comment\n{W} {H}\n255\n{plain(grey)}\n".encode(), pillow(d))
keep("plain.ppm", d := f"P3\n# size\n{W}\t{H}\n255\n{plain(rgb)}".encode(), pillow(d))
keep("plain-15.pgm", f"P2\n{W} {H} 15\n{plain(grey >> 4)}\n".encode(), to8((grey >> 4).astype(int), 15))
keep("raw16.pgm", f"P5\n{W} {H}\n65535\n".encode() + grey16.astype(">u2").tobytes(), to8(grey16))
keep("raw1000.pgm", f"P5 {W} {H} 1000\n".encode() + (grey16 % 1001).astype(">u2").tobytes(), to8(grey16 % 1001, 1000))
keep("raw16.ppm", f"P6\n{W} {H}\n65535\n".encode() + rgb16.astype(">u2").tobytes(), luma(to8(rgb16)))

(out / "expected.json").write_text(json.dumps({"madeBy": madeBy, "pictures": expected}, indent=1, sort_keys=True) + "\n")
print(f"{len(expected)} pictures in {out}")
