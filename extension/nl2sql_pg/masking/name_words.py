"""Words around names: labels before them, what stands after them, Chinese family names."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# What ends a label before a colon or an equals sign, in lower case.
NAME = _words("surname forename firstname lastname fullname name")
PERSON = (
    "contact person", "card holder", "account holder", "signed by",
    *_words("customer client patient contact recipient employee cardholder payee payer applicant beneficiary"),
    *_words("passenger guest tenant borrower policyholder attn attention buyer seller sender consignee"),
)  # fmt: skip
# Whose name it may be: not that of a file, a product, a table.
OWNERS = frozenset(
    _words(
        "full first last middle given family maiden legal preferred nick my your his her their the owner"
        " customer client contact patient employee applicant recipient cardholder holder payee payer beneficiary guest"
        " passenger student member person mother's father's user's spouse tenant borrower doctor buyer seller sender"
    )
)
NOT_NAMES = frozenset(
    _words(
        "unknown none null nil n/a na not no yes true false the a an this that please see we i you it he she they to is"
        " are was has have had will would can could and or but if anonymous undefined empty test redacted hidden masked"
    )
)
AFTER_NAMES = frozenset(
    _words(
        "phone tel telephone mobile cell email e-mail mail address age dob born birth gender sex id ssn card"
        " passport account and from at of in on by with who is was has called asked reported said date order"
        " customer company title"
    )
)

# Chinese labels: of a name, and of a person, who may be a company or a pronoun as well.
NAME_HAN = _words("姓名 名字 户名")
USER_NAME_HAN = "用户名"
PERSON_HAN = _words(
    "客户 客户名 客户名称 联系人 收件人 收货人 寄件人 持卡人 患者 申请人 付款人 收款人 经办人 乘客 投保人 被保险人"
    " 受益人 法人 法定代表人 员工 签收人 借款人 担保人 开户人 负责人"
)
WITHOUT_COLON_HAN = "客户|姓名|联系人|收件人|收货人|寄件人|持卡人|患者|户名|申请人"
# What ends a name of two characters: words that follow names often.
AFTER_NAMES_HAN = (
    "电话|手机|身份|性别|地址|邮箱|年龄|先生|女士|小姐|出生|护照|证件|住址|联系|住|男|女"
    "|的|在|来|说|已|要|申|投|打|致|反|购|下|办|想|称|账|卡|银|与|和|及|于|提|表|需|收|通"
)

DOUBLE_SURNAMES = "欧阳|司马|上官|诸葛|司徒|东方|独孤|南宫|夏侯|皇甫|尉迟|公孙|慕容|令狐|长孙|宇文|端木"
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭肖田董潘袁蔡蒋杜叶程魏苏吕丁沈姚卢傅钟姜崔谭廖范汪"
    "陆贾韦夏邹熊孟秦邱江尹薛闫段雷侯史陶黎郝龚邵钱严覃武戴莫孔汤温康施文牛樊葛邢齐庞颜倪庄聂鲁岳翟殷欧耿兰焦俞左柳甘阮梅"
    "童凌毕裴霍涂苗谷曲冉骆蓝辛靳柴蒙鲍华喻祁房滕屈饶牟艾尤阳穆司卓吉缪"
)
# Family names that are common words, too: names after a colon and before Mr or Ms only.
DOUBTFUL_SURNAMES = "高方于余任万安成向关管单包付章贺顾曾石金白常易时明申纪祝符简车路农游解古盛龙宁项米水花平党满全和经"
# Words that start like a name.
WORDS_HAN = (
    "周期|周末|周年|周[一二三四五六日]|周边|周转|何时|何地|马上|许多|许可|文件|文档|文字|文本|文化|程序|程度|华为|温馨|温度|康复"
    "|尤其|左右|严重|严格|史上|黄金|陈述|陈列|张贴|张数|王牌|王者|林地|罗列|夏季|夏天|江苏|江西|毛利|毛重|施工|凌晨|范围|谢谢|欧元|欧洲"
    "|齐全|莫名|司机|卓越|钱款|田间|房产|房屋|阳光|阳台|童装|水果|孔子|丁字|段落|唐朝|宋体|牛奶|梅花|欧盟|鲁莽|武器|雷同|兰花|苗木|温州"
)
