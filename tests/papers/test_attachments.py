"""Files that people bring: told by their bytes, drawn anew, kept once."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image

from shop.extensions import act, reading
from shop.papers.attachments import (
    LONGEST_SIDE,
    MOST_BYTES,
    MOST_OF_ONE_THING,
    Cleaned,
    attach,
    attachments_of,
    clean_upload,
    get_attachment,
    read_bytes,
    write_bytes,
)
from shop.papers.errors import CannotKeep, NoSuchAttachment, WhyNot
from tests.kit.test_pictures import picture
from tests.shopping import NOW

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\n%%EOF\n"


@pytest.mark.parametrize(("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/jpeg")])
def test_a_picture_is_kept_without_what_a_telephone_wrote_into_it(kind: str, media_type: str) -> None:
    brought = picture(kind, secret="27.7183N 109.1917E")
    assert b"27.7183N" in brought
    kept = clean_upload(brought)
    assert kept.media_type == media_type and b"27.7183N" not in kept.content
    assert Image.open(io.BytesIO(kept.content)).size == (40, 20)


def test_a_picture_stands_upright_and_is_no_larger_than_needed() -> None:
    assert Image.open(io.BytesIO(clean_upload(picture(turned=True)).content)).size == (20, 40)
    assert max(Image.open(io.BytesIO(clean_upload(picture(size=(3000, 300))).content)).size) == LONGEST_SIDE


def test_a_pdf_stays_as_it_is() -> None:
    assert clean_upload(PDF) == Cleaned("application/pdf", PDF)


@pytest.mark.parametrize(
    ("brought", "why"),
    [
        (b"", WhyNot.EMPTY),
        (b"x" * (MOST_BYTES + 1), WhyNot.TOO_LARGE),
        (b"<html><script>alert(1)</script>", WhyNot.NOT_KNOWN),
        (b"%PDF-1.4 cut off", WhyNot.NOT_KNOWN),
        (picture()[:200], WhyNot.NOT_KNOWN),
        (b"GIF89a" + b"\x00" * 40, WhyNot.NOT_KNOWN),
    ],
)
def test_what_is_something_else_is_refused(brought: bytes, why: WhyNot) -> None:
    with pytest.raises(CannotKeep) as refusal:
        clean_upload(brought)
    assert refusal.value.why is why


@act
def keep(cleaned: Cleaned, subject_id: int = 1) -> int:
    return attach(cleaned, subject_kind="payment", subject_id=subject_id, by=None, now=NOW)


def test_a_file_is_kept_once_and_read_back(app: Flask, tmp_path: Path) -> None:
    paper = clean_upload(PDF)
    write_bytes(paper, tmp_path)
    write_bytes(paper, tmp_path)
    first = keep(paper)
    assert keep(paper) == first and keep(paper, 2) != first
    with reading():
        (row,) = attachments_of("payment", 1)
        assert read_bytes(row, tmp_path) == PDF
        with pytest.raises(NoSuchAttachment):
            get_attachment(row.id, subject_kind="cost")
    (place,) = (path for path in tmp_path.rglob("*") if path.is_file())
    place.write_bytes(b"something else")
    with pytest.raises(NoSuchAttachment):
        read_bytes(row, tmp_path)


def test_a_thing_has_so_many_files_and_no_more(app: Flask) -> None:
    papers: Callable[[int], Cleaned] = lambda number: Cleaned("application/pdf", PDF + str(number).encode())  # noqa: E731
    for number in range(MOST_OF_ONE_THING):
        keep(papers(number))
    with pytest.raises(CannotKeep):
        keep(papers(99))
    keep(papers(3))
