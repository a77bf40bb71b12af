"""The floor: a bare Flask and Jinja page of 24 products from memory, with nothing of the shop's, under the same server."""

from flask import Flask, render_template
from jinja2 import DictLoader

_PAGE = """<!doctype html><html lang="en"><head><title>Floor</title></head><body><h1>Floor</h1><ul>
{% for product in products %}<li><a href="/products/{{ product.slug }}"><img src="/static/{{ product.image }}.svg" alt="" width="128" height="128">
<h3>{{ product.name }}</h3><p>{{ product.pack }}</p><b>¥{{ product.price }}</b>
<small>{{ product.unit_price }}</small> <span>{{ product.village }}</span></a></li>
{% endfor %}</ul></body></html>"""
_PRODUCTS = [
    {
        "slug": f"product-{number}",
        "image": "rice_sheaf",
        "name": "白水贡米",
        "pack": "5 kg 编织袋",
        "price": "68.00",
        "unit_price": "¥6.80/500 g",
        "village": "白水村",
    }
    for number in range(24)
]

app = Flask(__name__)
app.jinja_env.loader = DictLoader({"page.html": _PAGE})  # compiled once, as every shop's templates are


@app.get("/")
def page() -> str:
    """24 cards."""
    return render_template("page.html", products=_PRODUCTS)
