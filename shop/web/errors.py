"""One table: a family of refusals → status and page. HTML for people; no stack trace reaches a page."""

import structlog
from flask import Flask, g, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from shop.kit.errors import Conflict, NotFound, Refused, ShopError, Unavailable
from shop.web.current import ask_no_more

log = structlog.get_logger()

_STATUS: tuple[tuple[type[ShopError], int], ...] = ((NotFound, 404), (Refused, 422), (Conflict, 409), (Unavailable, 503))


def register(app: Flask) -> None:
    """Answer every refusal with its page."""
    app.register_error_handler(ShopError, _refusal)
    app.register_error_handler(CSRFError, _expired_form)
    app.register_error_handler(RateLimitExceeded, lambda _error: _page(429))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(500, _mistake)


def _refusal(error: Exception) -> tuple[str, int]:
    status = next(status for family, status in _STATUS if isinstance(error, family))
    return _page(status)


def _expired_form(_error: Exception) -> tuple[str, int]:
    return _page(400)


def _http(error: Exception) -> tuple[str, int] | HTTPException:
    assert isinstance(error, HTTPException)
    if error.code is None or error.code < 400:
        return error  # a redirect, e.g. to the address with its closing slash
    return _page(error.code)


def _mistake(error: Exception) -> tuple[str, int]:
    log.error("mistake", endpoint=request.endpoint, method=request.method, exc_info=error)
    ask_no_more()
    return _page(500)


def _page(status: int) -> tuple[str, int]:
    words = {
        400: (gettext("这张表单过期了"), gettext("页面开得太久，或者是从别处提交的。回上一页刷新，再交一次；什么都还没有改动。")),
        404: (gettext("没有这一页"), gettext("可能是地址抄漏了几位，也可能这一页不是给你看的。")),
        405: (gettext("这一页不能这样打开"), gettext("请从链接或按钮进来。")),
        409: (gettext("刚刚有变化"), gettext("你看的时候，别人改了它。什么都没有保存，请看一眼新的再决定。")),
        413: (gettext("文件太大了"), gettext("最多 8 MB。什么都没有保存。")),
        422: (gettext("这一步做不了"), gettext("什么都没有改动。请回上一页看看。")),
        429: (gettext("试得太勤了"), gettext("歇几分钟再来。这是为了挡住猜密码的人。")),
        500: (gettext("我们这边出错了"), gettext("不是你的问题。没有写到一半的东西；已经记下，会有人来看。")),
        503: (gettext("暂时连不上"), gettext("我们要问的一方没有回话。什么都没有丢，过一会儿再试。")),
    }
    title, text = words.get(status, words[500] if status >= 500 else words[404])
    g.is_refused = True
    return render_template("error.html", status=status, title=title, text=text), status


def go(endpoint: str, **values: object) -> Response:
    """Redirect after a form, so that reloading the next page does not send it again."""
    return redirect(url_for(endpoint, **values), 303)  # type: ignore[arg-type]  # url_for takes any value that a converter takes
