#!/usr/bin/env python3
"""The colours that Pillow sees in the pictures of Tests/PicturesTests/Fixtures/decoding, for colours.json there.

    python3 -m venv .build/oracles && .build/oracles/bin/pip install pillow
    .build/oracles/bin/python Tests/Oracles/make_colours.py

Transparency is composited over white, the EXIF orientation applied. Pictures of 16 bits are left out: Pillow cuts them to 8 instead of
rounding.
"""
import json
import pathlib

import PIL
from PIL import Image, ImageOps

folder = pathlib.Path(__file__).resolve().parent.parent / "PicturesTests/Fixtures/decoding"
pictures = {}
for path in sorted(folder.iterdir()):
    if path.suffix == ".json" or "16" in path.name:
        continue
    try:
        image = ImageOps.exif_transpose(Image.open(path))
    except PIL.UnidentifiedImageError:
        continue
    if image.mode in ("I", "I;16", "CMYK") or image.width > 64:
        continue
    image = image.convert("RGBA")
    over = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    pictures[path.name] = {"width": over.width, "height": over.height, "levels": over.tobytes().hex()}
(folder / "colours.json").write_text(json.dumps({"madeBy": f"Tests/Oracles/make_colours.py, Pillow {PIL.__version__}", "pictures": pictures}, indent=1) + "\n")
print(list(pictures))
