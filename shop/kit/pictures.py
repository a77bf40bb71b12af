"""Pictures that people bring, made fit to be shown: told by their bytes, bounded before they are unpacked, upright, drawn anew.

Law: what a file is, its bytes say, never its name. Nothing that a camera wrote, and nothing hidden behind a picture, is in what comes out of here.
"""

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

import pi_heif
from PIL import Image, ImageCms, ImageOps

from shop.kit.errors import Refused

MOST_BYTES = 16 * 1024 * 1024
"""Of one picture as it was brought: a telephone's best photographs have 12 MB."""
MOST_PIXELS = 60_000_000
"""Of one picture as it was brought, counted before they are unpacked; a telephone's best photographs have 50 million."""
WIDTHS = (320, 640, 960, 1600)
"""In which a picture is kept, as far as it is that wide, and in its own width if that is less."""
LONGEST_SIDE = 2000
JPEG_WIDTH = 1200
"""Of the one file for browsers and messengers that know neither AVIF nor WebP."""

pi_heif.register_heif_opener()  # lets Pillow read what iPhones write; decodes only
_FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")


class WhyNot(StrEnum):
    """Why a picture cannot be taken."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    """More bytes than `MOST_BYTES`."""
    TOO_MANY_PIXELS = "too_many_pixels"
    """Small as a file, too large to be unpacked."""
    IS_PDF = "is_pdf"
    BROKEN = "broken"
    """Begins like a picture and cannot be read to its end."""
    NOT_KNOWN = "not_known"


class BadPicture(Refused):
    """The file is no picture that we take."""

    def __init__(self, why: WhyNot) -> None:
        super().__init__(why)
        self.why = why


class Format(StrEnum):
    """In which a picture is kept; the value is how its file's name ends."""

    AVIF = "avif"
    WEBP = "webp"
    JPEG = "jpg"

    @property
    def media_type(self) -> str:
        """As HTTP says it."""
        return "image/jpeg" if self is Format.JPEG else f"image/{self.value}"


@dataclass(frozen=True)
class File:
    """One drawing of a picture."""

    width: int
    format: Format
    content: bytes


@dataclass(frozen=True)
class Drawn:
    """A picture in all its widths. `name` is `<24 digits of the content's hash>-<width>x<height>`: it says everything that a page has to know."""

    name: str
    width: int
    height: int
    files: tuple[File, ...]

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(len(file.content) for file in self.files)


def draw(brought: bytes, *, most_bytes: int = MOST_BYTES) -> Drawn:
    """The picture, upright and without metadata, as AVIF and WebP in every width and as one JPEG. Takes about half a second. Raises BadPicture."""
    fresh = open_upright(brought, most_bytes=most_bytes, longest_side=LONGEST_SIDE, widest=WIDTHS[-1])
    if fresh.mode != "RGB":  # what can be seen through stands on white, as on the page
        fresh = Image.alpha_composite(Image.new("RGBA", fresh.size, "white"), fresh).convert("RGB")
    files = tuple(_files(fresh))
    digest = sha256(b"".join(file.content for file in files)).hexdigest()[:24]
    return Drawn(f"{digest}-{fresh.width}x{fresh.height}", fresh.width, fresh.height, files)


def widths_of(width: int) -> tuple[int, ...]:
    """The widths in which a picture of `width` pixels is kept, the smallest first."""
    return (*(each for each in WIDTHS if each < width), width)


def jpeg_width_of(width: int) -> int:
    """The width of its JPEG."""
    return min(width, JPEG_WIDTH)


def _files(fresh: Image.Image) -> Iterator[File]:
    for width in widths_of(fresh.width):
        smaller = _in_width(fresh, width)
        yield File(width, Format.AVIF, _saved(smaller, "AVIF", quality=62, speed=9, max_threads=2))
        yield File(width, Format.WEBP, _saved(smaller, "WEBP", quality=78, method=4))
    width = jpeg_width_of(fresh.width)
    yield File(width, Format.JPEG, _saved(_in_width(fresh, width), "JPEG", quality=82, optimize=True, progressive=True))


def _in_width(picture: Image.Image, width: int) -> Image.Image:
    if width == picture.width:
        return picture
    return picture.resize((width, max(1, round(picture.height * width / picture.width))), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _saved(picture: Image.Image, kind: str, **how: object) -> bytes:
    written = io.BytesIO()
    picture.save(written, kind, **how)
    return written.getvalue()


# ── What was brought ──────────────────────────────────────────────────────────────────────────────────────────────────


def open_upright(brought: bytes, *, most_bytes: int, longest_side: int, widest: int | None = None) -> Image.Image:
    """The picture's first frame as RGB or RGBA without metadata, its colours in sRGB, no larger than asked. Raises BadPicture."""
    if not brought:
        raise BadPicture(WhyNot.EMPTY)
    if len(brought) > most_bytes:
        raise BadPicture(WhyNot.TOO_LARGE)
    if brought[:1024].lstrip().startswith(b"%PDF-"):
        raise BadPicture(WhyNot.IS_PDF)
    is_known = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # we count ourselves
            picture = Image.open(io.BytesIO(brought), formats=_FORMATS)
        is_known = True
        with picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise BadPicture(WhyNot.TOO_MANY_PIXELS)
            largest = min(longest_side, max(picture.size))
            picture.draft("RGB", (largest, largest))  # a JPEG is unpacked at half or a quarter of its size already
            return _plain(picture, longest_side, widest)
    except BadPicture:
        raise
    except Image.DecompressionBombError as error:
        raise BadPicture(WhyNot.TOO_MANY_PIXELS) from error
    except Exception as error:  # Pillow raises whatever a broken file leads it to
        raise BadPicture(WhyNot.BROKEN if is_known else WhyNot.NOT_KNOWN) from error


def _plain(picture: Image.Image, longest_side: int, widest: int | None) -> Image.Image:
    profile = picture.info.get("icc_profile")
    is_clear = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    fresh = ImageOps.exif_transpose(picture).convert("RGBA" if is_clear else "RGB")
    if profile and not is_clear and picture.mode == "RGB":
        fresh = _in_srgb(fresh, profile)
    fresh.thumbnail((min(longest_side, widest or longest_side), longest_side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    fresh.info.clear()
    return fresh


def _in_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """With its profile gone, a telephone's wide colours would look pale."""
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(picture, own, ImageCms.createProfile("sRGB"), outputMode="RGB") or picture
    except (ImageCms.PyCMSError, OSError, ValueError):  # a profile that nobody can read changes nothing
        return picture
