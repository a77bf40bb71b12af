"""What roles are called, and what each may do in a sentence."""

from flask_babel import lazy_gettext

from shop.accounts.roles import Permission, Role

ROLE_WORDS = {
    Role.VIEWER: lazy_gettext("查看"),
    Role.OPERATIONS: lazy_gettext("运营"),
    Role.PAIRING: lazy_gettext("结对办"),
    Role.FINANCE: lazy_gettext("财务"),
    Role.ADMIN: lazy_gettext("管理员"),
}
ROLE_NOTES = {
    Role.VIEWER: lazy_gettext("看全部账目和操作记录，什么都不能改。"),
    Role.OPERATIONS: lazy_gettext("订单、发货、报表，限额以内的退款。"),
    Role.PAIRING: lazy_gettext("管结对，按村、按东部单位看销售，看不到买家和订单。"),
    Role.FINANCE: lazy_gettext("退款、对账、结算、关账。要用两步验证。"),
    Role.ADMIN: lazy_gettext("以上都能，还管人和角色。要用两步验证。"),
}

PERMISSION_WORDS = {
    Permission.DESK: lazy_gettext("进工作台"),
    Permission.READ_ORDERS: lazy_gettext("看订单"),
    Permission.READ_REPORTS: lazy_gettext("看销售报表"),
    Permission.READ_BANK: lazy_gettext("看银行流水、回单"),
    Permission.READ_DIVIDENDS: lazy_gettext("看成本和分红"),
    Permission.READ_IMPORTS: lazy_gettext("看导入的销售"),
    Permission.READ_MONEY: lazy_gettext("看与支付方的对账"),
    Permission.READ_CORRECTIONS: lazy_gettext("看批次更正、帮扶认定"),
    Permission.READ_SUSPICIONS: lazy_gettext("看可疑的地方"),
    Permission.READ_VOUCHERS: lazy_gettext("看优惠券"),
    Permission.READ_FAPIAO: lazy_gettext("看发票申请"),
    Permission.READ_AUDIT: lazy_gettext("看操作记录"),
    Permission.SHIP: lazy_gettext("替合作社发货"),
    Permission.NOTE_ORDERS: lazy_gettext("在订单上写备注"),
    Permission.EDIT_ORDERS: lazy_gettext("装箱前改订单"),
    Permission.ACCREDIT: lazy_gettext("录入帮扶认定"),
    Permission.GOODS: lazy_gettext("管商品照片、证书、村子故事"),
    Permission.MODERATE: lazy_gettext("审评价"),
    Permission.MAKE_VOUCHERS: lazy_gettext("做优惠券、停优惠券"),
    Permission.PAIR: lazy_gettext("管东部单位和结对"),
    Permission.REGISTER: lazy_gettext("管运费、节假日、村镇和合作社"),
    Permission.FAPIAO: lazy_gettext("开发票，开红字发票"),
    Permission.REFUND: lazy_gettext("退款"),
    Permission.BANK: lazy_gettext("认领银行流水，转账退款"),
    Permission.IMPORT: lazy_gettext("导入销售"),
    Permission.CORRECT: lazy_gettext("提出和决定批次更正"),
    Permission.DIVIDE: lazy_gettext("算分红、定分红"),
    Permission.SETTLE: lazy_gettext("与合作社结算"),
    Permission.RECONCILE: lazy_gettext("解释支付方的差异"),
    Permission.CLOSE_MONTH: lazy_gettext("关账"),
    Permission.PEOPLE: lazy_gettext("管人员和角色"),
}
"""What each permission of the staff's lets one do; a test holds that none is missing."""
