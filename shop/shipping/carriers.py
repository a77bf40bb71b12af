"""The carriers that parcels go with, and where each of them tells where a parcel is.

The addresses are the carriers' own front pages, where a number is pasted: what stands behind them changes too often to be linked.
"""

from types import MappingProxyType

CARRIER_PAGES = MappingProxyType(
    {
        "中国邮政": "https://www.ems.com.cn/",
        "顺丰速运": "https://www.sf-express.com/",
        "中通快递": "https://www.zto.com/",
        "圆通速递": "https://www.yto.net.cn/",
        "申通快递": "https://www.sto.cn/",
        "韵达速递": "https://www.yundaex.com/",
        "极兔速递": "https://www.jtexpress.com.cn/",
        "京东快递": "https://www.jdl.com/",
    }
)
"""Name → address, in the order in which they are offered."""
