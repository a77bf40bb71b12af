"""Ids that the application makes."""

from shop.kit.ids import new_entry_id, new_entry_ids, new_key


def test_entry_ids_fit_a_bigint_and_do_not_repeat() -> None:
    ids = [new_entry_id() for _ in range(2_000)]
    assert all(0 < entry_id < 2**63 for entry_id in ids)
    assert len(set(ids)) > 1_990  # 22 random bits within a millisecond: a clash is possible, and refused by the primary key
    assert max(ids) >> 22 >= min(ids) >> 22


def test_a_key_has_128_bits() -> None:
    assert len(bytes.fromhex(new_key())) == 16
    assert new_key() != new_key()


def test_ids_made_together_stand_in_a_row_so_that_two_bookings_at_once_hardly_ever_meet() -> None:
    ids = new_entry_ids(5_000)
    assert ids == list(range(ids[0], ids[0] + 5_000))
    assert 0 < ids[-1] < 2**63
