"""Pictures that people bring: told by their bytes, bounded before they are unpacked, drawn anew without what cameras write."""

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, features

from shop.kit.pictures import MOST_BYTES, BadPicture, Format, WhyNot, draw, widths_of

HEIC = (Path(__file__).parent / "iphone.heic").read_bytes()
"""Red above, blue below, 60 by 80; an Exif text says `27.7183N`."""


def picture(kind: str = "JPEG", size: tuple[int, int] = (40, 20), *, secret: str = "", turned: bool = False) -> bytes:
    """A photograph, perhaps with something written into it by a telephone."""
    drawn = Image.new("RGB", size, "red")
    exif = Image.Exif()
    if secret:
        exif[0x010E] = secret  # ImageDescription
    if turned:
        exif[0x0112] = 6  # Orientation: turned by a quarter
    written = io.BytesIO()
    drawn.save(written, kind, exif=exif)
    return written.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that says it has so many pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_drawn_in_all_widths_without_what_a_telephone_wrote_into_it(kind: str) -> None:
    brought = picture(kind, (700, 350), secret="27.7183N 109.1917E")
    assert b"27.7183N" in brought
    drawn = draw(brought)
    assert (drawn.width, drawn.height) == (700, 350) and drawn.name.endswith("-700x350") and len(drawn.name) <= 40
    assert [(file.width, file.format.value) for file in drawn.files] == [
        *((width, kind) for width in (320, 640, 700) for kind in ("avif", "webp")),
        (700, "jpg"),
    ]
    for file in drawn.files:
        shown = Image.open(io.BytesIO(file.content))
        assert shown.size == (file.width, round(350 * file.width / 700)) and not shown.getexif()
        assert b"27.7183N" not in file.content
    assert draw(brought).name == drawn.name, "the name is the content's"


def test_a_picture_stands_upright_and_is_no_larger_than_a_page_needs() -> None:
    assert (draw(picture(turned=True)).width, draw(picture(turned=True)).height) == (20, 40)
    wide = draw(picture(size=(4000, 1000)))
    assert (wide.width, wide.height) == (1600, 400)
    assert {file.width for file in wide.files if file.format is Format.JPEG} == {1200}
    assert widths_of(1600) == (320, 640, 960, 1600)


def test_an_iphones_photograph_is_read() -> None:
    drawn = draw(HEIC)
    assert (drawn.width, drawn.height) == (60, 80)
    shown = Image.open(io.BytesIO(drawn.files[-1].content))
    above, below = shown.getpixel((30, 10)), shown.getpixel((30, 70))
    assert b"27.7183N" in HEIC and not any(b"27.7183N" in file.content for file in drawn.files)
    assert above[0] > 200 > 60 > above[2] and below[2] > 200 > 60 > below[0]


def test_what_can_be_seen_through_stands_on_white() -> None:
    written = io.BytesIO()
    Image.new("RGBA", (30, 30), (0, 0, 0, 0)).save(written, "PNG")
    assert min(Image.open(io.BytesIO(draw(written.getvalue()).files[-1].content)).getpixel((15, 15))) > 250


@pytest.mark.parametrize(
    ("brought", "why"),
    [
        (b"", WhyNot.EMPTY),
        (b"\xff\xd8\xff" + bytes(MOST_BYTES), WhyNot.TOO_LARGE),
        (b"%PDF-1.7\n1 0 obj<<>>endobj\n%%EOF\n", WhyNot.IS_PDF),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", WhyNot.NOT_KNOWN),
        (b"GIF89a" + bytes(40), WhyNot.NOT_KNOWN),
        (bomb(60_000, 60_000), WhyNot.TOO_MANY_PIXELS),
        (bomb(9_000, 9_000), WhyNot.TOO_MANY_PIXELS),
        (bomb(4_000, 4_000), WhyNot.BROKEN),
        (picture(size=(900, 900))[:2000], WhyNot.BROKEN),
    ],
    ids=lambda value: value.value if isinstance(value, WhyNot) else f"{len(value)} bytes",
)
def test_what_is_no_picture_of_ours_is_refused(brought: bytes, why: WhyNot) -> None:
    with pytest.raises(BadPicture) as refusal:
        draw(brought)
    assert refusal.value.why is why


def test_this_machine_draws_every_format() -> None:
    assert features.check("avif") and features.check("webp")
