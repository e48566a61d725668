"""Pictures as phones take them, and what others read in them, by Pillow.

`make FOLDER` writes a picture of each kind that tells which way up it is, and where it was taken. `tell FILE...` says in
JSON, one line a file, what it holds: its format, the way up, the position by its tags, and a digest of its pixels."""

import hashlib
import json
import sys
from pathlib import Path

import pillow_heif
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

pillow_heif.register_heif_opener()

# 31° 14' 27.18" north, 121° 28' 26.31" east.
POSITION = {
    ExifTags.GPS.GPSLatitudeRef: "N",
    ExifTags.GPS.GPSLatitude: (31.0, 14.0, 27.18),
    ExifTags.GPS.GPSLongitudeRef: "E",
    ExifTags.GPS.GPSLongitude: (121.0, 28.0, 26.31),
}
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><exif:GPSLatitude>31,14.453N</exif:GPSLatitude></x:xmpmeta>'


def make(folder):
    picture = Image.radial_gradient("L").resize((64, 48)).convert("RGB")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Model] = "Phone"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(POSITION)
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    for name in ["jpeg", "png", "webp", "heic"]:
        more = {"pnginfo": text} if name == "png" else {"xmp": XMP}
        picture.save(folder / f"photo.{name}", exif=exif, **more)


def tell(file):
    with Image.open(file) as picture:
        exif, info = picture.getexif(), picture.info
        position = {ExifTags.GPS(tag).name: str(value) for tag, value in exif.get_ifd(ExifTags.IFD.GPSInfo).items()}
        # Of HEIC the picture is turned when it is opened.
        upright = info.get("original_orientation") or exif.get(ExifTags.Base.Orientation, 1)
        return {
            "format": picture.format,
            "upright": upright,
            "position": position,
            "xmp": "GPS" in str(info.get("xmp") or info.get("XML:com.adobe.xmp") or ""),
            "pixels": hashlib.sha256(picture.convert("RGB").tobytes()).hexdigest(),
        }


if sys.argv[1] == "make":
    make(Path(sys.argv[2]))
else:
    for file in sys.argv[2:]:
        print(json.dumps(tell(file)))
