"""Files of reports that the worker writes: how far one is, and the file, for whoever asked for it."""

from flask import Blueprint, Response, render_template, request
from flask_babel import get_locale
from werkzeug.wrappers import Response as Redirect

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.kit.errors import NotFound
from shop.kit.ids import TaskId
from shop.outbox.models import TaskState
from shop.reports.exports import ask_for_export, get_export, open_until, read_export
from shop.reports.questions import Question
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.report_files import TYPES, file_answer
from shop.web.staff.ready import asked_ready
from shop.web.staff.reports import SalesForm

blueprint = Blueprint("exports", __name__, url_prefix="/reports/exports")

SALES = "sales"


@blueprint.post("/<ready>")
@needs(Permission.READ_REPORTS)
def ask(ready: str) -> Redirect:
    """Leave a file of the report in this address to the worker: of sales, or of a ready-made one."""
    form = request.args.get("format", "")
    if form not in TYPES:
        raise NotFound
    locale = "en" if get_locale().language == "en" else "zh"
    task_id = ask_for_export(question_here(ready), form, locale=locale, by=somebody().user_id, now=utc_now())
    return go("staff.exports.show", export_id=task_id)


def question_here(ready: str) -> Question:
    """What the address asks: of sales, or of a ready-made report. Raises NotFound."""
    today = business_day(utc_now())
    if ready != SALES:
        return asked_ready(ready, today)
    form = SalesForm(request.args)
    if not form.validate():
        raise NotFound
    return form.asked(today)


@blueprint.get("/<int(max=9223372036854775807):export_id>")
@needs(Permission.READ_REPORTS)
def show(export_id: int) -> str:
    """How far it is; once it is written, the link, and until when it opens."""
    task = get_export(TaskId(export_id), by=somebody().user_id)
    until = open_until(task)
    is_open = until is not None and utc_now() < until
    return render_template(
        "staff/exports/show.html",
        task=task,
        until=until,
        is_open=is_open,
        is_done=task.state is TaskState.DONE,
        form=str(task.facts["form"]),
    )


@blueprint.get("/<int(max=9223372036854775807):export_id>/file")
@needs(Permission.READ_REPORTS)
def file(export_id: int) -> Response:
    """The file itself."""
    task, content = read_export(TaskId(export_id), by=somebody().user_id, now=utc_now())
    return file_answer(content, str(task.facts["form"]), str(task.result["stem"]))
