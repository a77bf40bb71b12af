"""Imports of sales made by hand: upload a file, see what it would book, book it."""

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext, lazy_gettext
from flask_wtf.file import FileField
from werkzeug.wrappers import Response
from wtforms import HiddenField

from shop.accounts.roles import Permission
from shop.acts.import_tasks import MOST_BYTES, FileIsEmpty, FileTooLarge, NotReadyToBook, book_sales, tally_of, upload_sales
from shop.acts.sales_file import COLUMNS, Trouble
from shop.kit.clock import utc_now
from shop.kit.ids import TaskId, new_key
from shop.kit.sheets import csv_file
from shop.outbox.models import TaskState
from shop.reports.imports import ImportRow, bad_rows, get_import, list_imports
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.form import Form
from shop.web.staff.import_words import fault_of_file, trouble_words
from shop.web.typed import clean

blueprint = Blueprint("imports", __name__, url_prefix="/imports")

_LONGEST_NAME = 80
_EXAMPLE = (
    ("fair-2026-001", "", "2026-11-20T10:30:00+08:00", "rice-baishui-5k", "2", "6800", "320583", "", "offline", ""),
    ("fair-2026-002", "", "2026-11-20T11:05:00+08:00", "ju-30", "1", "5900", "", "", "offline", ""),
    ("fair-2026-003", "fair-2026-001", "2026-11-21T09:00:00+08:00", "rice-baishui-5k", "-1", "6800", "", "", "offline", ""),
)


class UploadForm(Form):
    """One file."""

    file = FileField(lazy_gettext("CSV 文件"))
    once = HiddenField()


@blueprint.get("/")
@needs(Permission.READ_IMPORTS)
def index() -> str:
    """Upload a file; those that were uploaded before."""
    return _list_page(UploadForm(formdata=None, once=new_key()))


@blueprint.post("/")
@needs(Permission.IMPORT)
def upload() -> Response | tuple[str, int]:
    """Keep the file; the worker finds out what it would book."""
    form = UploadForm()
    given = form.file.data
    name = clean(getattr(given, "filename", ""), most=_LONGEST_NAME)
    once = clean(form.once.data, most=40) or new_key()
    try:
        content = given.stream.read(MOST_BYTES + 1) if name else b""
        task_id = upload_sales(content, name=name, once=once, by=somebody().user_id, now=utc_now())
    except FileIsEmpty:
        form.file.errors = [gettext("选一个 CSV 文件；它不能是空的。")]
    except FileTooLarge as refusal:
        most = refusal.most_bytes // 1024 // 1024
        form.file.errors = [gettext("文件太大，最多 %(most)s MB。分成几份，或请技术人员用 flask sales import 导入。", most=most)]
    else:
        return go("staff.imports.show", task_id=task_id)
    return _list_page(form), 422


@blueprint.get("/example.csv")
@needs(Permission.READ_IMPORTS)
def example() -> Response:
    """A file to begin with: a sale, another, and a return of the first."""
    lines = [",".join(COLUMNS), *(",".join(row) for row in _EXAMPLE)]
    return _as_file("\ufeff" + "\r\n".join(lines) + "\r\n", "sales-example.csv")


@blueprint.get("/<int(max=9223372036854775807):task_id>")
@needs(Permission.READ_IMPORTS)
def show(task_id: int) -> str:
    """How far it is, what came out, and the next step."""
    story = get_import(TaskId(task_id))
    last = story.row.last
    return render_template(
        "staff/imports/show.html",
        story=story,
        row=story.row,
        last=last,
        tally=tally_of(last.result),
        badge=_badge(story.row),
        why=_why_failed(story.row) if last.state is TaskState.FAILED else "",
        troubles=[(trouble, trouble_words(trouble)) for trouble in map(_trouble, story.troubles)],
        may_import=somebody().may(Permission.IMPORT),
        is_waiting=last.state is TaskState.WAITING,
    )


@blueprint.post("/<int(max=9223372036854775807):task_id>/book")
@needs(Permission.IMPORT)
def book(task_id: int) -> Response:
    """The worker books it."""
    try:
        book_sales(TaskId(task_id), by=somebody().user_id, now=utc_now())
    except NotReadyToBook:
        flash(gettext("还不能记账：试算没有做完，或者里面没有能记的。"), "error")
    return go("staff.imports.show", task_id=task_id)


@blueprint.get("/<int(max=9223372036854775807):task_id>/bad-rows.csv")
@needs(Permission.READ_IMPORTS)
def bad(task_id: int) -> Response:
    """Every bad row with what is wrong."""
    header = (gettext("行"), "ref", gettext("列"), gettext("问题"))
    troubles = [_trouble(facts) for facts in bad_rows(TaskId(task_id))]
    rows = [(trouble.line, trouble.ref, trouble.column, trouble_words(trouble)) for trouble in troubles]
    return _as_file(csv_file(header, rows), f"bad-rows-{task_id}.csv")


def _list_page(form: UploadForm) -> str:
    page = request.args.get("page", 1, type=int)
    rows, pages = list_imports(page)
    return render_template(
        "staff/imports/index.html",
        form=form,
        rows=[(row, _badge(row), tally_of(row.last.result)) for row in rows],
        page=min(max(1, page), pages),
        pages=pages,
        most_mb=MOST_BYTES // 1024 // 1024,
        columns=COLUMNS,
        may_import=somebody().may(Permission.IMPORT),
    )


def _badge(row: ImportRow) -> tuple[str, str]:
    """How it stands, and the badge's colour."""
    if row.booking is not None:
        return {
            TaskState.WAITING: (gettext("等着记账"), "due"),
            TaskState.RUNNING: (gettext("正在记账"), "due"),
            TaskState.DONE: (gettext("已记账"), "done"),
            TaskState.FAILED: (gettext("没有记完"), "wrong"),
        }[row.booking.state]
    return {
        TaskState.WAITING: (gettext("等着试算"), "due"),
        TaskState.RUNNING: (gettext("正在试算"), "due"),
        TaskState.DONE: (gettext("试算好了，还没记账"), "warning"),
        TaskState.FAILED: (gettext("读不了"), "wrong"),
    }[row.check.state]


def _why_failed(row: ImportRow) -> str:
    result = row.last.result
    if row.last.trouble == "bad_file" and isinstance(facts := result.get("facts"), dict):
        return fault_of_file(str(result["fault"]), facts)
    if row.last.trouble == "file_gone":
        return str(gettext("文件只留三十天，已经不在了。请重新上传；以前记过的行不会再记一次。"))
    return str(gettext("试了几次都没有做完，已经记进日志。请技术人员看看，再上传一次；以前记过的行不会再记一次。"))


def _trouble(facts: dict[str, object]) -> Trouble:
    more = facts["facts"]
    assert isinstance(more, dict)
    return Trouble(int(str(facts["line"])), str(facts["ref"]), str(facts["column"]), str(facts["fault"]), more)


def _as_file(content: str | bytes, name: str) -> Response:
    answer = Response(content, mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
