"""A picture as a page draws it: the addresses of all its widths, and its size, so that nothing moves when it arrives."""

from dataclasses import dataclass
from functools import lru_cache

from flask import Blueprint, Flask, Response

from shop.accounts.roles import Permission
from shop.catalog.photos import PhotoFacts
from shop.kit.pictures import jpeg_width_of, widths_of
from shop.pictures.service import NoSuchPicture, public_file
from shop.web.current import needs
from shop.web.storefront.words import is_english
from shop.web.uploads import read_file_name

blueprint = Blueprint("pictures", __name__, url_prefix="/pictures")

_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Photo:
    """What `picture()` of templates/parts/catalog.html draws."""

    src: str
    avif: str
    webp: str
    """Sets of sources, `address width`."""
    width: int
    height: int


@blueprint.get("/<name>/<file>")
@needs(Permission.ANYONE)
def show(name: str, file: str) -> Response:
    """One drawing of a public picture. Its name is its content's, so it may be kept for ever."""
    if len(name) > _LONGEST_NAME or not name.isascii():
        raise NoSuchPicture
    width, kind = read_file_name(file)
    answer = Response(public_file(name, width, kind), content_type=kind.media_type)
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


@lru_cache(maxsize=4096)
def photo(name: str) -> Photo | None:
    """The public picture of this name; None where there is none."""
    return photo_at(name, f"/pictures/{name}/x") if name else None


def photo_at(name: str, address: str) -> Photo:
    """The picture of this name at addresses like this one, whose path ends in `x` where a file's name is to stand."""
    width, height = (int(side) for side in name.partition("-")[2].split("x"))
    path, mark, query = address.partition("?")
    folder, rest = path.removesuffix("x"), mark + query
    avif, webp = (", ".join(f"{folder}{each}.{kind}{rest} {each}w" for each in widths_of(width)) for kind in ("avif", "webp"))
    return Photo(f"{folder}{jpeg_width_of(width)}.jpg{rest}", avif, webp, width, height)


def alt(pictured: PhotoFacts) -> str:
    """What is to be seen, in the visitor's language if somebody wrote it in that."""
    return (is_english() and pictured.alt_en) or pictured.alt


def register(app: Flask) -> None:
    """Serve public pictures, and let templates ask for them."""
    app.register_blueprint(blueprint)
    app.jinja_env.filters["photo"] = photo
    app.jinja_env.filters["photo_at"] = photo_at
    app.jinja_env.filters["alt"] = alt
