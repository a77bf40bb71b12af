"""Files that a form brings: how much of them is read, and why one is refused.

Law: a file that is too large costs neither the page nor what was typed. Where a form takes files the whole request is read, what is beyond the limit of one
file is thrown away while it is read, and the handler says so beside the field.
"""

import io
import tempfile
from collections.abc import Callable
from typing import IO, TypeVar, cast

from flask import Request, Response, current_app, request
from flask_babel import gettext

from shop.kit import pictures
from shop.kit.ids import PictureId
from shop.kit.pictures import BadPicture, Format, WhyNot
from shop.pictures.service import NoSuchPicture, own_file

MOST_OF_REQUEST = 96 * 1024 * 1024
"""Of a request to an address that takes files: several photographs, one of them much too large, and still the form comes back."""
PICTURES_ACCEPTED = "image/jpeg,image/png,image/webp,image/heic,image/heif"

_View = TypeVar("_View", bound=Callable[..., object])


def takes_files(view: _View) -> _View:
    """Mark a handler whose form brings files. Stands under the route, above `@needs`."""
    view.takes_files = True  # type: ignore[attr-defined]  # read by ShopRequest
    return view


class ShopRequest(Request):
    """A request that reads as much as its address takes."""

    @property
    def max_content_length(self) -> int | None:
        """The most that is read before the request is refused with a page of its own (413)."""
        view = current_app.view_functions.get(self.endpoint or "")
        return MOST_OF_REQUEST if getattr(view, "takes_files", False) else super().max_content_length

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        self._max_content_length = value

    def _get_file_stream(
        self, total_content_length: int | None, content_type: str | None, filename: str | None = None, content_length: int | None = None
    ) -> IO[bytes]:
        return cast("IO[bytes]", CutFile(pictures.MOST_BYTES + 1))


class CutFile(io.RawIOBase):
    """A file that keeps its first `most` bytes and throws the rest away: one byte more than is allowed says that there was too much."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept = tempfile.SpooledTemporaryFile(max_size=512 * 1024)  # noqa: SIM115  # closed with the request

    def write(self, given: bytes) -> int:  # type: ignore[override]  # Werkzeug's parser writes bytes
        """Keep what there is room for."""
        room = self._most - self._kept.tell()
        if room > 0:
            self._kept.write(given[:room])
        return len(given)

    def read(self, size: int = -1) -> bytes:
        """As of any file."""
        return self._kept.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        """As of any file."""
        return self._kept.seek(offset, whence)

    def tell(self) -> int:
        """As of any file."""
        return self._kept.tell()

    def readable(self) -> bool:
        """It is."""
        return True

    def writable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """And the disc's space is free again."""
        self._kept.close()
        super().close()


def brought_pictures(name: str, *, most: int) -> list[bytes]:
    """The files of a form's field that are not empty places, at most `most`, as they came."""
    files = [file for file in request.files.getlist(name) if file.filename]
    return [file.stream.read() for file in files[:most]]


def why_bad(refusal: BadPicture) -> str:
    """Why a picture was refused and what to do, for the person who brought it."""
    most = pictures.MOST_BYTES // 1024 // 1024
    words = {
        WhyNot.EMPTY: gettext("这个文件是空的，请重新选一张照片。"),
        WhyNot.TOO_LARGE: gettext("照片太大：一张最多 %(most)s MB。用手机里的“压缩”或截图再传。", most=most),
        WhyNot.TOO_MANY_PIXELS: gettext(
            "照片的像素太多：最多 %(most)s MP（百万像素）。缩小以后再传。", most=pictures.MOST_PIXELS // 1_000_000
        ),
        WhyNot.IS_PDF: gettext("这是 PDF，不是照片，名字改成 .jpg 也不行。请传 JPEG、PNG、WebP 或 HEIC 照片。"),
        WhyNot.BROKEN: gettext("这张照片坏了，读不到底。请重新拍一张，或换一张。"),
        WhyNot.NOT_KNOWN: gettext("这不是照片。请传 JPEG、PNG、WebP 或 HEIC（苹果手机）照片。"),
    }
    return str(words[refusal.why])


def send_own_picture(picture_id: PictureId, file: str) -> Response:
    """A picture that is not for everybody, `640.webp`, to somebody whose right to it was checked. Raises NoSuchPicture."""
    width, kind = read_file_name(file)
    return Response(own_file(picture_id, width, kind), content_type=kind.media_type)


def read_file_name(file: str) -> tuple[int, Format]:
    """`640.webp` → its width and format. Raises NoSuchPicture."""
    width, _, ending = file.partition(".")
    kind = next((kind for kind in Format if kind == ending), None)
    if kind is None or not (width.isascii() and width.isdecimal() and len(width) < 6):
        raise NoSuchPicture
    return int(width), kind
