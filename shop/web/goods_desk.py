"""Looking after goods: the same pages for a cooperative, which sees its own, and for staff, who see all. Photographs here; labels and prices beside it.

An audience's `goods` module makes a blueprint and asks for these addresses on it, with the permission they need and whose goods they show.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import FileField, StringField

from shop.accounts.roles import Permission
from shop.catalog.errors import EnoughPhotos, PhotoKnown
from shop.catalog.photos import MOST_PHOTOS, add_photo, describe_photo, move_photo, photos_of, remove_photo
from shop.kit.clock import utc_now
from shop.kit.ids import CooperativeId, PhotoId, ProductId
from shop.kit.pictures import BadPicture, Drawn, draw
from shop.reports.cooperative_pages import own_cooperatives
from shop.reports.goods_pages import GoodsRow, get_goods, list_goods
from shop.web.cooperative.fields import refuse
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.form import Form
from shop.web.typed import clean
from shop.web.uploads import PICTURES_ACCEPTED, brought_pictures, takes_files, why_bad

ID = "int(max=9223372036854775807)"


@dataclass(frozen=True)
class Desk:
    """Whose goods are looked after, and at which addresses."""

    audience: str
    """`cooperative` or `staff`: its templates and endpoints."""
    permission: Permission
    scope: Callable[[], Sequence[CooperativeId] | None]
    """The cooperatives whose goods are shown; None for all."""

    def goods(self, product_id: int) -> GoodsRow:
        """One product of those that may be looked after here. Raises NotFound."""
        return get_goods(ProductId(product_id), self.scope())

    def page(self, name: str, goods: GoodsRow, **more: object) -> str:
        """One of the product's pages."""
        return render_template(f"{self.audience}/goods/{name}.html", goods=goods, where=f"{self.audience}.goods", **self.house(), **more)

    def house(self) -> dict[str, object]:
        """What the layout of a cooperative asks for besides."""
        ids = self.scope()
        return {} if ids is None else {"cooperatives": own_cooperatives(ids)}

    def back_to(self, name: str, goods: GoodsRow, anchor: str | None = None) -> Response:
        """To one of the product's pages, after a form."""
        return go(f"{self.audience}.goods.{name}", product_id=goods.id, _anchor=anchor)


class PhotoForm(Form):
    """A photograph, and what is to be seen on it."""

    photo = FileField(lazy_gettext("照片"))
    alt = StringField(lazy_gettext("照片上是什么"))
    alt_en = StringField(lazy_gettext("同一句话的英文"))

    def validate(self, extra_validators: object = None) -> bool:
        """Words for it, on one line."""
        is_good = bool(super().validate(extra_validators))
        self.alt.data, self.alt_en.data = clean(self.alt.data, most=120), clean(self.alt_en.data, most=160)
        if not self.alt.data:
            refuse(self.alt, gettext("写一句照片上是什么，看不见图的人靠它。"))
        return is_good and not self.alt.errors

    def drawn(self) -> Drawn | None:
        """The photograph; None, with words beside the field, when it is not fit to be one."""
        brought = brought_pictures("photo", most=1)
        if not brought:
            refuse(self.photo, gettext("选一张照片。"))
            return None
        try:
            return draw(brought[0])
        except BadPicture as refusal:
            refuse(self.photo, why_bad(refusal))
            return None


def add_photo_pages(blueprint: Blueprint, desk: Desk) -> None:
    """The list of goods, and each one's photographs."""

    @blueprint.get("/")
    @needs(desk.permission)
    def index() -> str:
        """All goods, those on the shelves first."""
        return render_template(f"{desk.audience}/goods/index.html", rows=list_goods(desk.scope()), **desk.house())

    @blueprint.get(f"/<{ID}:product_id>")
    @needs(desk.permission)
    def show(product_id: int) -> str:
        """A product's photographs, and a form for the next one."""
        return _photos_page(desk, desk.goods(product_id), PhotoForm(formdata=None))

    @blueprint.post(f"/<{ID}:product_id>/photos")
    @takes_files
    @needs(desk.permission)
    def add(product_id: int) -> Response | tuple[str, int]:
        """One more photograph."""
        goods, form = desk.goods(product_id), PhotoForm()
        is_described = form.validate_on_submit()
        drawn = form.drawn()
        if drawn is not None and is_described:
            try:
                words = {"alt": str(form.alt.data), "alt_en": str(form.alt_en.data)}
                add_photo(goods.id, drawn, **words, by=somebody().user_id, now=utc_now())
            except EnoughPhotos:
                refuse(form.photo, gettext("已经有 %(most)s 张了，删掉一张再加。", most=MOST_PHOTOS))
            except PhotoKnown:
                refuse(form.photo, gettext("这张照片已经有了。"))
            else:
                flash(gettext("照片加上了，商店里已经看得到。") if goods.is_shown else gettext("照片加上了，上架以后看得到。"), "success")
                return desk.back_to("show", goods, "photos")
        return _photos_page(desk, goods, form), 422

    @blueprint.post(f"/<{ID}:product_id>/photos/<{ID}:photo_id>")
    @needs(desk.permission)
    def change(product_id: int, photo_id: int) -> Response | tuple[str, int]:
        """Describe a photograph in other words, move it, or take it away."""
        goods, photo, form = desk.goods(product_id), PhotoId(photo_id), PhotoForm()
        act = request.form.get("act", "")
        if act == "remove":
            remove_photo(goods.id, photo, by=somebody().user_id, now=utc_now())
            flash(gettext("照片删掉了。"), "success")
        elif act in ("earlier", "later"):
            move_photo(goods.id, photo, by_places=-1 if act == "earlier" else 1)
        elif form.validate_on_submit():
            describe_photo(goods.id, photo, alt=str(form.alt.data), alt_en=str(form.alt_en.data))
            flash(gettext("记下了。"), "success")
        else:
            return _photos_page(desk, goods, PhotoForm(formdata=None), changed=form, changed_id=photo_id), 422
        return desk.back_to("show", goods, "photos")


def _photos_page(desk: Desk, goods: GoodsRow, form: PhotoForm, *, changed: PhotoForm | None = None, changed_id: int = 0) -> str:
    return desk.page(
        "show",
        goods,
        photos=photos_of(goods.id),
        form=form,
        changed=changed,
        changed_id=changed_id,
        most=MOST_PHOTOS,
        accepted=PICTURES_ACCEPTED,
    )
