"""Names of people after a label or a title, in English and Chinese. A name alone is not found."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nl2sql_pg.masking.findings import LABELLED, Finding

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_REACH = 32

# What ends a label before a colon or an equals sign, in lower case.
_NAME = ("surname", "forename", "firstname", "lastname", "fullname", "name")
_PERSON = (
    "customer", "client", "patient", "contact", "contact person", "recipient", "employee", "cardholder", "card holder",
    "account holder", "payee", "payer", "applicant", "beneficiary", "passenger", "guest", "tenant", "borrower",
    "policyholder", "signed by", "attn", "attention", "buyer", "seller", "sender", "consignee",
)  # fmt: skip
_LABEL_HAN = (
    "姓名", "名字", "客户", "联系人", "收件人", "收货人", "寄件人", "持卡人", "户名", "患者", "申请人", "付款人", "收款人", "经办人",
    "乘客", "投保人", "被保险人", "受益人", "法人", "法定代表人", "员工", "签收人", "借款人", "担保人", "开户人", "客户名", "客户名称",
    "用户姓名", "负责人",
)  # fmt: skip
_BEFORE_NAME = frozenset(
    "full first last middle given family maiden customer client contact patient employee applicant recipient cardholder"
    " holder payee payer beneficiary guest passenger student member person owner my your his her their the legal"
    " preferred nick mother's father's spouse tenant borrower doctor buyer seller sender user's".split()
)
_NOT_NAMES = frozenset(
    "unknown none null nil n/a na not no yes true false the a an this that please see we i you it he she they to is are was"
    " has have had will would can could and or but if anonymous undefined empty test redacted hidden masked".split()
)
_AFTER_NAMES = frozenset(
    "phone tel telephone mobile cell email e-mail mail address age dob born birth gender sex id ssn card passport account"
    " and from at of in on by with who is was has called asked reported said date order customer company title".split()
)

_DELIMITER = re.compile(r"[:：=]")
_LATIN = r"[^\W\d_\u2e80-\uffff]"
_VALUE = re.compile(rf"{_LATIN}(?:{_LATIN}|['’.\-])*(?: {_LATIN}(?:{_LATIN}|['’.\-])*){{0,3}}")
_CAPITAL = r"[A-Z\u00c0-\u00d6\u00d8-\u00de]"
_TITLE = re.compile(
    r"[MDP](?<![A-Za-z].)(?:rs?|s|iss|x|r|rof|R|RS)\b\.? {0,2}"
    rf"(?={_CAPITAL}[\w'’])({_CAPITAL}(?:{_LATIN}|['’\-])*(?: {_CAPITAL}(?:{_LATIN}|['’.\-])*){{0,2}})"
)
_REST = re.compile(rf"(?<=[\w'’]){_LATIN}")
_REST_HAN = re.compile(rf"[{_HAN}]")
_STREET = re.compile(r"[A-Z][a-z]+ $")

_ENDS_HAN = (
    rf"(?=[^{_HAN}]|$|电话|手机|身份|性别|地址|邮箱|年龄|先生|女士|小姐|出生|护照|证件|住址|联系|住|男|女"
    r"|的|在|来|说|已|要|申|投|打|致|反|购|下|办|想|称|账|卡|银|与|和|及|于|提|表|需|收|通|，)"
)
_VALUE_HAN = re.compile(rf"[{_HAN}]{{1,8}}(?:[·•][{_HAN}]{{1,8}}){{1,3}}|[{_HAN}]{{2,3}}?{_ENDS_HAN}|[{_HAN}]{{2,4}}")
_DOUBLE = "欧阳|司马|上官|诸葛|司徒|东方|独孤|南宫|夏侯|皇甫|尉迟|公孙|慕容|令狐|长孙|宇文|端木"
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁沈任姚卢傅钟姜崔谭廖范汪"
    "陆贾韦夏方付邹熊孟秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐庞颜倪庄聂章鲁岳翟殷申欧"
    "耿关兰焦俞左柳甘祝包宁符阮纪梅童凌毕单裴霍涂成苗谷盛曲冉骆蓝路游辛靳管柴蒙鲍华喻祁房滕屈饶解牟艾尤阳穆农司卓古吉缪简车"
)
# Words of two characters that start like a name, after "customer" without a colon.
_WORDS_HAN = (
    "关系|关怀|关注|管理|方面|方案|方式|成功|成立|成本|安全|安装|单位|单号|单据|任务|任何|周期|周末|周年|周一|周二|周三|周四|周五|余额|万一"
    "|何时|马上|曾经|许多|许可|文件|文档|向我|向客|于今|于昨|路径|车辆|车型|房产|房屋|程序|华为|简称|解决|解释|温馨|康复|章程|古|尤其"
    "|包括|包裹|农|左右|严重|严格|史上|江|游戏|盛|龙|成交|万|元|余|应|钱|方|向|于|单|关|管|路|解|车|房"
)
_LOOSE_HAN = re.compile(
    rf"(?:客户|姓名|联系人|收件人|收货人|寄件人|持卡人|患者|户名|申请人)[是为叫 ]?(?!{_WORDS_HAN})"
    rf"((?:{_DOUBLE})[{_HAN}]{{1,2}}?{_ENDS_HAN}|[{_SURNAMES}](?:[{_HAN}]{_ENDS_HAN}|[{_HAN}]{{1,2}}))"
)
_SUFFIX_HAN = re.compile(rf"(?:(?:{_DOUBLE})|[{_SURNAMES}])[{_HAN}]{{0,2}}?(?=先生|女士|小姐)")


def find_labelled(text: str) -> Iterator[Finding]:
    for delimiter in _DELIMITER.finditer(text):
        yield from _after_label(text, delimiter.start())


def find_titled(text: str) -> Iterator[Finding]:
    for title in _TITLE.finditer(text):
        street = title[0][0] == "D" and _STREET.search(text[max(0, title.start() - 24) : title.start()])
        if not street:
            yield _finding(title.start(1), title[1])


def find_han(text: str) -> Iterator[Finding]:
    """Without a colon, and before the Chinese words for Mr and Ms."""
    for found in _LOOSE_HAN.finditer(text):
        yield _finding(found.start(1), found[1])
    for found in _SUFFIX_HAN.finditer(text):
        yield _finding(found.start(), found[0])


def _after_label(text: str, delimiter: int) -> Iterator[Finding]:
    before = text[max(0, delimiter - _REACH) : delimiter].rstrip(" \"'*_")
    lowered = before.lower()
    strict = not lowered.endswith(_NAME)
    if strict and not lowered.endswith(_PERSON) and not before.endswith(_LABEL_HAN):
        return
    if not strict and not _is_name_label(lowered):
        return
    start = delimiter + 1
    while start < len(text) and start < delimiter + 6 and text[start] in " \"'“「":
        start += 1
    found = _VALUE_HAN.match(text, start)
    if found:
        yield _finding(start, found[0])
        return
    latin = _VALUE.match(text, start)
    if latin:
        value = _words_of_name(latin[0], followed=text[latin.end() : latin.end() + 1])
        if value and not (strict and not value[0].isupper()):
            yield _finding(start, value)


def _is_name_label(lowered: str) -> bool:
    """Not the name of a file, a product or a table: only a person's, or nobody's in particular."""
    if not lowered.endswith("name") or lowered.endswith(_NAME[:-1]):
        return True
    before = lowered[:-4]
    if before[-1:].isalpha() and before[-1:].isascii():
        return False
    words = before.rstrip(" _-").rsplit(None, 1)
    word = words[-1].replace("_", " ").rsplit(None, 1)[-1] if words else ""
    at_start = not word or not (word[-1].isascii() and word[-1].isalnum()) or "\n" in before[len(before.rstrip()) :]
    return at_start or word.lstrip("\"'({[") in _BEFORE_NAME


def _words_of_name(value: str, followed: str) -> str:
    """The words up to one that belongs to no name; the last one is a label where a colon follows."""
    words = value.split(" ")
    if followed in (":", "=", "：") and followed:
        words.pop()
    taken = []
    for word in words:
        if word.lower().rstrip(".") in (_AFTER_NAMES if taken else _NOT_NAMES):
            break
        taken.append(word)
    name = " ".join(taken).rstrip(".-'’")
    return name if sum(character.isalpha() for character in name) > 1 else ""


def _finding(start: int, name: str) -> Finding:
    return Finding(start, start + len(name), "name", LABELLED, shown(name))


def shown(name: str) -> str:
    """The first letter of each word; of a Chinese name the first character."""
    if name[0] > "\u2e80":
        return name[0] + _REST_HAN.sub("*", name[1:])
    return _REST.sub("*", name)
