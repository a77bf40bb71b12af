"""When things are harvested: months of the year, inclusive, that may run over New Year (12–2: December, January, February)."""


def is_in_season(first_month: int | None, last_month: int | None, month: int) -> bool:
    """Whether something is harvested in `month`. Without months it is made all year: never out of season, and nothing to wait for either."""
    if first_month is None or last_month is None:
        return True
    if first_month <= last_month:
        return first_month <= month <= last_month
    return month >= first_month or month <= last_month
