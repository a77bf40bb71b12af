"""The official list of a year becomes the register's, and goods are found by the new names."""

from datetime import date, datetime

from shop.catalog.service import forget_search_texts
from shop.extensions import act
from shop.kit.ids import PlaceListId, UserId
from shop.origin.places import apply_list


@act
def apply_places(list_id: PlaceListId, *, last_day: date, with_missing: bool, by: UserId, now: datetime) -> int:
    """Apply the list; how many villages were renamed or moved. Their goods' search words are written anew by a sweep.

    Raises NotFound or AppliedAlready.
    """
    touched = apply_list(list_id, last_day=last_day, with_missing=with_missing, by=by, now=now)
    forget_search_texts(touched)
    return len(touched)
