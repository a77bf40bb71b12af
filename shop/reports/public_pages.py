"""Every thing that has a page for everybody. One statement."""

from datetime import date

from sqlalchemy import Date, bindparam, text

from shop.extensions import db

MOST = 20_000
"""Each stands in two languages, and a site map holds 50,000 addresses."""

_PAGES = text(
    """
select kind, name from (
select 1 as block, 'product' as kind, slug as name, id from products where status = 'published'
union all select 2, 'village', slug, id from villages
union all select 3, 'cooperative', slug, id from cooperatives
union all select 4, 'lot', l.code, l.id from lots l join products p on p.id = l.product_id
  where p.status = 'published' and l.recalled_at is null and l.best_before >= :today) as pages
order by block, id limit :most"""
).bindparams(bindparam("today", type_=Date))


def public_pages(*, today: date) -> list[tuple[str, str]]:
    """Kind (product, village, cooperative, lot) and slug or code: products on the shelves, all villages and cooperatives, lots that have not expired."""
    return [(kind, name) for kind, name in db.session.execute(_PAGES, {"today": today, "most": MOST})]
