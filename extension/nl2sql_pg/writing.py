"""Requests to change data or tables, as they are worded; questions about deleted, created,"
" updated things are none."""

from __future__ import annotations

import re
from itertools import pairwise

from nl2sql_pg.courtesies import matter
from nl2sql_pg.message import VALUE, Message, breaks

# Verbs that are hardly ever nouns: whatever follows is to be gone.
_SURE = frozenset("delete erase truncate wipe purge destroy remove uninstall annihilate".split())
# Verbs that may be nouns or adjectives too: what follows must show that they are verbs.
_MAYBE = frozenset(
    "undo redo revert drop update set insert add create change alter modify rename grant revoke reset replace"
    " increase decrease raise lower"
    " reduce double halve cancel clear empty mark close assign move transfer import restore register"
    " approve reject archive"
    " overwrite edit upsert merge lock unlock disable enable deactivate activate fire hire promote"
    " refund send email book"
    " schedule backup rollback make switch turn put subtract deduct store save write enter record".split()
)
# Of these only with an object that shows it, below.
_NEED_OBJECT = frozenset(
    "make switch turn put send email book write enter record store save move transfer assign add".split()
)

_DETERMINERS = frozenset(
    "the all a an this that these those every each any both my our their its his her it them"
    " everything everyone anything"
    " new another following whole entire some".split()
)
_PRONOUNS = frozenset("it them everything everyone all these those".split())
# "delete flag", "update time", "drop rate": what such a noun follows is no verb.
_OF_A_KIND = frozenset(
    "date dates time times timestamp timestamps flag flags status state states marker markers"
    " indicator log logs history"
    " histories rate rates ratio ratios count counts number numbers frequency reason reasons type"
    " types mode code codes"
    " cycle cycles interval intervals version versions source sources user users by on in of per for"
    " at id ids list lists"
    " size sizes point points location locations event events operation operations action actions command commands"
    " statement statements request requests permission permissions right rights button volume volumes amount amounts"
    " percentage percent share zone zones policy policies key keys off out up down back ups ins outs"
    " queue trail age and"
    " or vs versus is was were are has have had".split()
)
_STORED = frozenset(
    "table tables database databases schema schemas column columns index indexes view views row rows"
    " record records data"
    " entry entries role roles constraint constraints trigger triggers tuple tuples db everything".split()
)
_STORE_VERBS = frozenset(
    "drop alter create insert add update clear empty restore reset rename lock archive backup"
    " overwrite modify change".split()
)
# What is made for the reader, not for the database.
_SHOWN = frozenset(
    "column total totals sum sums average averages percentage rank ranking rankings list report chart graph overview"
    " summary histogram pivot breakdown ratio share difference label note line number count counts"
    " table plot timeline"
    " comparison statement query sql duplicates duplicate nulls null blanks blank outliers outlier repetitions spaces"
    " matrix distribution map dashboard diagram forecast estimate calculation field filter limit"
    " values sample".split()
)
_MAKERS = frozenset("create make add insert include remove drop set clear store save write replace".split())
_LIKE_TABLE = frozenset("of with showing listing containing from that per by where".split())
_NAMED = frozenset("called named".split())
_TO_VALUE = re.compile(
    rf"\b(?:to|=|by|as)\s+(?:{VALUE}|[-+]?\d[\d.,]*|zero|null|true|false|none|nothing|empty|yes|no|"
    rf"half|double|twice|inactive|active|paid|closed|open|done|deleted|cancelled)(?!\w)"
)

_NO_OBJECT = frozenset("of in on at from by per for between since is was and or with".split())
_GIVEN = frozenset("access privileges rights permission permissions".split())
_BECOMES = frozenset("inactive active free null empty zero public private visible hidden admin superuser".split())
_RIGHTS = frozenset(
    "access privilege privileges rights permission permissions select role all superuser admin usage".split()
)

_ASKING = frozenset(
    "what which who whom whose when where why how show list find display count return give get tell report compute"
    " calculate print retrieve fetch is are was were do does did has have had can could will would should compare"
    " describe provide name identify select sort order rank group determine see view check explain output summarize"
    " among for in from of per between if during since within on at with by as".split()
)
_RELATIVE = frozenset("who which that whose where when if whether to".split())
_JOINTS = frozenset({",", ":", "and", "then", "but", "also", "next", "afterwards"})
_TO_BE = re.compile(
    r"\b(?:should|must|shall|need to|needs to|have to|has to|ought to) be (?:deleted|removed|dropped|"
    r"erased|truncated|wiped|purged|updated|"
    r"reset|set to|changed to|emptied|cleared)\b"
)

_HAN = re.compile(r"[\u3400-\u9fff]")


def wants_to_write(message: Message) -> bool:
    """Whether any sentence of the message tells to change something."""
    if any(_tells(words, message) for words in message.sentences):
        return True
    if _HAN.search(message.plain) and chinese_command(message):
        return True
    return _in_other_languages(message)


def _tells(words: list[str], message: Message) -> bool:
    first, *later = breaks(words, _JOINTS) or [[]]
    wanted = matter(words, how_to=True)
    if not wanted:
        return False
    if _command(wanted, message):
        return True
    if words[0] in _DETERMINERS and _TO_BE.search(" ".join(words)):
        return True
    asks = wanted[0] in _ASKING
    if asks and wanted[0] in ("what", "which", "who", "how", "when", "where", "why", "whose", "if"):
        return False
    told = set(first)
    for clause in later:
        clause = matter(clause)
        if clause and not told & _RELATIVE and _later_command(clause, message):
            return True
        told |= set(clause)
    return False


def _later_command(words: list[str], message: Message) -> bool:
    """After an "and": only with an object that the sentence shows to be one."""
    verb, following = words[0], words[1:2]
    if verb not in _SURE | {"drop", "update", "set", "insert", "change", "alter", "reset", "cancel"} or not following:
        return False
    return following[0] in _DETERMINERS and not _is_shown(verb, words[1:]) and _command(words, message)


def _command(words: list[str], message: Message) -> bool:
    """Whether the words begin with a verb that changes something, and its object."""
    if words[:3] == ["get", "rid", "of"]:
        words = ["delete", *words[3:]]
    verb, rest = _base(words[0]), words[1:]
    if verb == "give":
        return bool(_GIVEN & set(rest)) and "to" in rest and rest[0] not in ("the", "all", "a", "each", "every")
    if verb not in _SURE | _MAYBE:
        return False
    if not rest:
        return verb in _SURE or verb in ("drop", "update", "insert", "reset")
    following = rest[0]
    if any(f"{verb}{joint}{following}" in name for name in message.names for joint in ("_", "", " ")):
        return False  # the tables have such a name
    if _is_shown(verb, rest) and not _from_a_table(verb, rest, message):
        return False
    if verb in _SURE:
        return following not in _OF_A_KIND or (following == "user" and len(rest) > 1)
    return _has_object(verb, rest, message)


def _base(verb: str) -> str:
    """The verb of "mind deleting" as that of "delete"."""
    return {"deleting": "delete", "removing": "remove", "dropping": "drop", "updating": "update", "setting": "set"}.get(
        verb, verb
    )


def _is_shown(verb: str, rest: list[str]) -> bool:
    """A ranking to be created, a total to be added, duplicates to be removed."""
    if verb not in _MAKERS:
        return False
    nouns = [word for word in rest if word not in _DETERMINERS and word not in ("up", "together", "me", "us")][:3]
    if rest[0] in ("up", "together", "me", "us"):
        return True
    for place, noun in enumerate(nouns):
        if noun in _NAMED:
            return False
        if noun in _SHOWN:
            if noun in ("table", "column", "field") and verb != "make":
                after = nouns[place + 1 : place + 2]
                return (
                    bool(after)
                    and (after[0] in _LIKE_TABLE or (after == ["for"] and bool({"each", "every"} & set(rest))))
                    and not _names_target(rest)
                )
            return True
    return False


def _from_a_table(verb: str, rest: list[str], message: Message) -> bool:
    """Whether it is like "remove the duplicates from products": not from what is shown, but from what is stored."""
    if verb not in _SURE or "from" not in rest:
        return False
    behind = [word for word in rest[rest.index("from") + 1 :] if word not in _DETERMINERS]
    return (
        len(behind) == 1
        and behind[0] not in _SHOWN | {"result", "results", "answer", "output"}
        and (behind[0] in message.names or behind[0].removesuffix("s") in message.names)
    )


def _names_target(rest: list[str]) -> bool:
    """Whether it is like "a column for the price to the table": something that is there is to get it."""
    return any(
        a in ("to", "into", "in", "from") and b in ("the", "table", "my", "our", "this") for a, b in pairwise(rest)
    )


def _has_object(verb: str, rest: list[str], message: Message) -> bool:
    following, told = rest[0], " ".join(rest)
    if following in _NO_OBJECT:
        return False
    if verb in ("grant", "revoke"):
        return bool(_RIGHTS & set(rest)) and (bool({"to", "from", "on"} & set(rest)) or len(rest) <= 3)
    if following in _STORED and verb in _STORE_VERBS:
        return True
    changes = following not in _OF_A_KIND and "from" not in rest[:3] and verb not in ("send", "email", "book")
    if changes and _TO_VALUE.search(told):
        return verb != "add" or " to " in f" {told} "
    if verb == "add":
        return following in ("a", "an", "new", "another") or (_goes_into(rest, message) and following not in ("up",))
    if verb == "make" and rest[-1] in _BECOMES:
        return True
    if verb in _NEED_OBJECT:
        return (following in _DETERMINERS or "".join(rest[1:2]).isdecimal()) and _goes_into(rest, message)
    if following in _DETERMINERS:
        return True
    if following.isdecimal() or following == VALUE:
        return verb not in ("set", "double", "close", "raise", "lower")
    if verb == "insert":
        return "into" in rest
    if verb in ("mark", "rename"):
        return "as" in rest or "to" in rest
    if (
        len(rest) > 1
        and rest[1].isdecimal()
        and following not in _OF_A_KIND
        and verb not in ("set", "drop", "raise", "double")
    ):
        return True
    # the tables may have drops, sets, orders that change
    noun = any(part in (verb, f"{verb}s") for name in message.names for part in name.split("_"))
    return not noun and message.is_table(following) and following not in _OF_A_KIND and not following.endswith("ing")


def _goes_into(rest: list[str], message: Message) -> bool:
    """To or into a table, or to a person or address."""
    for here, word in pairwise(rest):
        if here in ("to", "into", "in") and word not in ("me", "us", "see", "show", "know", "order"):
            return here != "in" or message.is_table(word)
    return False


# Chinese ------------------------------------------------------------------------------------------------------------

_ZH_SURE = r"(?:删除|删掉|删去|删光|删了|清空|清除|清掉|抹掉|抹除|移除|销毁|截断|丢弃|作废|注销)"
_ZH_MAYBE = (
    r"(?:更新|修改|更改|改动|新增|添加|增加|插入|创建|新建|建立|建|重置|恢复|授权|授予|撤销|变更|"
    r"调整|改|重命名|取消|关闭|录入|写入|降低|提高|上调|下调|锁定|禁用|启用|备份|还原)"
)
_ZH_OPENING = re.compile(
    r"^(?:请你?|麻烦你?|帮我|帮忙|给我|你|您|我要|我想要?|我需要|我希望你?|能不能|能否|可以|可不可以|"
    r"能|现在|立即|立刻|马上|赶紧|快|先|再|然后|接着|并且?|同时|最后|一下|直接|怎么|怎样|如何|必须|"
    r"应该|需要|要|去|"
    r"那么|那|就|\s|,)+"
)
_ZH_NOUNS = (
    r"(?:的|了|过|时间|日期|标志|标记|标识|状态|日志|历史|原因|次数|频率|频次|率|人|者|量|数|类型|"
    r"方式|操作|请求|权限|版本|来源|最|占比|比例|情况|趋势|幅度|额|值|前|后|中|与|和|或|是否|用户数|"
    r"客户数|客户的|会员数)"
)
_ZH_ASKS = re.compile(
    r"多少|几[个家名条位次件种天]|哪|谁|什么|是否|怎么样|列出|显示|查询|统计|查看|查一下|展示|有无|"
    r"排名|排行|趋势|对比|比较|分析|占比|比例|平均|最[大小多少高低早晚新近]|总[数额量共]|一共|[各每]"
)
_ZH_OBJECT = re.compile(
    r"^(?:一下)?(?:所有|全部|全体|整个|整张|这|那|该|此|一[个条张位名家笔行列]|新的?|数据库|数据|表|"
    r"记录|它|他|她|字段|列|索引|视图|用户|角色|我|\d|‹value›|[\"“])"
)
_ZH_TO_VALUE = re.compile(
    r"(?:改为|改成|设为|设成|设置为|设置成|更新为|更新成|变为|变成|调整为|调整到|修改为|修改成|"
    r"重命名为|标记为|置为|清零|归零|置零|调到|提高\d|降低\d|上调\d|下调\d|增加\d|减少\d)"
)
_ZH_DISPOSES = re.compile(
    rf"^(?:把|将).+?(?:{_ZH_SURE}|改为|改成|设为|设成|设置为|设置成|更新|修改|变成|清零|归零|置零|"
    rf"重命名|调整为|标记为|提高\d|降低\d|上调|下调|乘以|翻倍|加到|插入|添加|写入|授权|授予)"
)
_ZH_BECOMES = re.compile(
    r"^(?:更新|修改|更改|改动|变更|调整|改|重置).*?的[^的,，]{1,10}(?:为|成|到)(?!什么|多少|哪|止)"
)
_ZH_PUTS_IN = re.compile(
    r"^(?:往|向|给|在|为).{1,12}?(?:插入|添加|新增|写入|录入|增加)(?:一|新|\d|‹)|"
    r"^给(?!结果|每|这|那|上|下)[^,，:：]{1,12}?(?<![报列统计图汇总])表加(?:上|个|一个)?一?(?:列|字段|索引|约束)"
    r"(?!.{0,4}(?:合计|占比|排名|序号|环比|同比|平均|总))"
)
_ZH_SHOWN = re.compile(r"(?:列表|报表|图表|图|清单|汇总|统计|排名|报告|合计)")
_ZH_PARTS = re.compile(r"[,，。;；!！?？\n:：]|然后|接着|并且|之后再")


def chinese_command(message: Message) -> bool:
    """The same of Chinese: a command stands at the beginning of a part, or takes its object before it by 把 or 将."""
    for part in _ZH_PARTS.split(message.plain):
        wanted = _ZH_OPENING.sub("", part.strip())
        opened = wanted != part.strip()
        if wanted and _zh_tells(wanted, opened, message):
            return True
    return False


def _zh_tells(text: str, opened: bool, message: Message) -> bool:
    how = opened and bool(re.search(r"[吗么呢]?$", text))
    if (_ZH_DISPOSES.match(text) or _ZH_BECOMES.match(text) or _ZH_PUTS_IN.match(text)) and not re.search(
        r"多少|哪|谁|列出|显示|查询", text
    ):
        return True
    if match := re.match(_ZH_SURE, text):
        rest = text[match.end() :]
        if any(text.startswith(name) for name in message.names if len(name) > 2):
            return False
        if _ZH_ASKS.search(rest) and not how:
            return False
        if _ZH_ASKS.search(rest) and not re.match(r"(?:所有|全部|这|那)", rest):
            return False
        return not re.match(_ZH_NOUNS, rest) and not (rest.endswith(("数", "量", "率", "记录", "日志")) and not opened)
    if match := re.match(_ZH_MAYBE, text):
        rest = text[match.end() :]
        if (
            _ZH_SHOWN.search(rest)
            or re.match(_ZH_NOUNS, rest)
            or any(text.startswith(name) for name in message.names if len(name) > 2)
        ):
            return False
        if _ZH_TO_VALUE.search(text):
            return not re.search(r"多少|哪|谁|列出|显示|查询", text)
        if _ZH_ASKS.search(rest):
            return False
        return bool(_ZH_OBJECT.match(rest)) and not rest.endswith(("数", "量", "率", "额", "趋势", "情况"))
    if _ZH_TO_VALUE.search(text):
        return not _ZH_ASKS.search(text) and "的" not in text[_ZH_TO_VALUE.search(text).end() :]  # type: ignore[union-attr]
    return bool(re.search(rf"(?:全部|全都|都|统统|一律|通通){_ZH_SURE}(?:吧|掉|了)?$", text)) and not _ZH_ASKS.search(
        text
    )


# Other languages ----------------------------------------------------------------------------------------------------

_OTHER_VERBS = frozenset(
    # German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian, Indonesian, Vietnamese
    "losche loschen losch entferne entfernen leere aktualisiere andere uberschreibe"
    " supprime supprimez supprimer efface effacez vide videz modifie modifiez"
    " borra borre elimina elimine eliminar borrar vacia actualiza modifica modifique"
    " cancella svuota aggiorna rimuovi apague apaga exclua exclui remova atualize altere"
    " verwijder wis usun skasuj zaktualizuj удали удалите сотри очисти обнови измени удалить hapus xoa".split()
)
_OTHER_ENDINGS = re.compile(
    r"(?:削除|消去|更新|変更|追加|挿入|初期化)(?:して|しろ|せよ|してください|したい|を実行)|消して|"
    r"(?:삭제|제거|업데이트|수정|변경|추가|초기화)\s?(?:해|하|시켜)|지워|"
    r"(?:^|\s)(?:احذف|امسح|حذف)\s|(?:sil|silin|temizle|guncelle)$|(?:हटा|मिटा)(?:ओ|एं|ए| दो| दें)|^ลบ"
)
_OTHER_OPENINGS = frozenset(
    "bitte por favor veuillez proszę prosze пожалуйста tolong alsjeblieft per favore te lo s il vous"
    " plait vui long".split()
)


def _in_other_languages(message: Message) -> bool:
    if _OTHER_ENDINGS.search(message.plain):
        return not re.search(r"された|한 |된|몇|いくつ|何", message.plain)
    for words in message.sentences:
        wanted = [word for word in words if word[0].isalnum()]
        while wanted and wanted[0] in _OTHER_OPENINGS:
            wanted = wanted[1:]
        if len(wanted) > 1 and wanted[0] in _OTHER_VERBS and not message.knows(wanted[0]):
            return True
    return False
