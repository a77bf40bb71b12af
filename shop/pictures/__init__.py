"""Pictures that pages show: photographs of products, of reviews, of what came back.

Law: a picture is drawn by `shop/kit/pictures.py` before it is kept, and never changes; its name is its content's. One that is not public has no address of
its own: whoever shows it checks the right to the thing it belongs to.
"""
