"""Messages that point back at another one: "and how many of those?", "only the big ones", 它们呢."""

from __future__ import annotations

import re

from nl2sql_pg.courtesies import matter
from nl2sql_pg.message import Message

_SUBJECTS = frozenset("they he she".split())
_OBJECTS = frozenset("them him".split())
_OWNERS = frozenset("their theirs his hers its".split())
_POINTING = frozenset("these those".split())
_AUXILIARIES = frozenset("is are was were do does did has have had can could will would should".split())
_WH = frozenset("what which who whom whose when where why how".split())
# What asks, counts or sorts, and so is nothing that a pronoun could mean.
_EMPTY = (
    _AUXILIARIES
    | _WH
    | frozenset(
        "a an the of in on at by for from to with and or but so then also now only just please show me"
        " us list give get tell"
        " find count return display print sort order group rank filter arrange many much number total"
        " sum average maximum"
        " minimum max min most least all any some each every both not no be been it they them their he"
        " she his her him its"
        " this that these those there here i you we names name out as per again same more one ones two"
        " three first last top"
        " up down into over under about which-ones among between compare remove exclude include keep"
        " drop add calculate compute".split()
    )
)
_CONJUNCTIONS = frozenset("and but or".split())
_FRAGMENT = frozenset("in for by from with without per since during before after on at between of to".split())
_CATAPHORIC = frozenset(
    "who that whose which with without having in from where of whom when at on for under over above below between born"
    " located made not more less".split()
)
_TOOLS = frozenset(
    "compare show sort order group filter plot limit give explain repeat count list display split".split()
)
_LATER_CLAUSE = frozenset(", : and who that which whose where".split())
_PERIODS = frozenset(
    "year years month months week weeks quarter quarters day days decade morning season period century hour database"
    " table tables schema dataset data company shop store firm country city system time".split()
)


_PHRASES = re.compile(
    r"\b(?:what|how) about\b(?! (?:to|the following))|^(?:now |and |ok |please |(?:show|do|give|"
    r"repeat|run|try|make)(?: me)? )*(?:the )?same (?:thing |question |query |one )?(?:for|but|by|in|"
    r"with|again|per)\b|\bas (?:above|before)\b|"
    r"\b(?:previous|last|first|earlier|prior|above) (?:question|answer|query|result|results|one|"
    r"message|statement|list|output)\b|"
    r"\bthe (?:other|others|rest|remaining ones|big|bigger|small|smaller|old|new|first|second|third|"
    r"last|next|latter|former|top|best|worst) (?:ones?|of (?:them|those|these))\b|"
    r"\b(?:the others|the rest)\s*$|^which ones?\b|\binstead\s*$|\bsame (?:here|again)\b|"
    r"\bof (?:them|those|these) (?:all )?(?:again)\b"
)
_BARE = re.compile(
    r"^(?:but |and |so |ok |okay |no |yes )*(?:why|why not|why so|how so|how come|how|when|where|who|"
    r"which|which ones?|what else|anything else|and|and then|more|show more|show me more|even more|"
    r"again|once more|another|another one|next|next \d+|previous \d+|next page|previous|back|continue|"
    r"go on|go back|undo|redo|"
    r"retry|try again|really|are you (?:really )?sure|is (?:that|this|it) (?:right|correct|true|all)|"
    r"that is (?:wrong|not right|right|correct|it|all)|this is (?:wrong|not right)|wrong|not (?:that|"
    r"those|these|this)|explain|explain (?:it|that|this|more|please)|elaborate|details|more details|"
    r"what do you mean(?: by that)?|how did you (?:get|find|know|do) (?:that|this|it)|"
    r"what does (?:that|this|it) mean|the opposite|the reverse|reverse|in reverse|"
    r"(?:in )?(?:descending|ascending|reverse|alphabetical)(?: order)?|"
    r"as (?:an? )?[a-z]+|(?:show|give)(?: me)? (?:that|this|it|them|"
    r"the query|the sql|the rest)(?: again)?|sort|sort descending|total|in total|per month|monthly|"
    r"yearly)"
    r"(?: please)?$"
)


def points_back(message: Message) -> bool:
    """Whether the message can't be understood without one before it."""
    if not message.sentences:
        return False
    first = message.sentences[0]
    whole = " ".join(word for word in message.words)
    if _BARE.match(whole):
        return True
    return (
        bool(_PHRASES.search(" ".join(first)) and (len(message.sentences) == 1 or _PHRASES.match(" ".join(first))))
        or _pronoun(first)
        or _fragment(first, message)
        or (_ZH.search(message.plain) is not None and _chinese(message))
        or bool(_OTHERS.match(message.plain))
    )


def _pronoun(words: list[str]) -> bool:
    words = matter(words)
    for place, word in enumerate(words):
        if word in _SUBJECTS | _OBJECTS | _OWNERS | _POINTING or word in ("it", "this", "that", "her"):
            return _refers(words, place)
    return False


def _refers(words: list[str], place: int) -> bool:
    """Whether the first pronoun of the sentence has nothing before or behind it to stand for."""
    word, before, behind = words[place], words[:place], words[place + 1 :]
    if word in _OBJECTS and not behind and len(before) == 2 and before[0] in ("who", "when", "where", "how", "why"):
        return True
    if not _has_nothing(before):
        return _in_question(word, before, behind) or _of_pronoun(before, word, behind)
    if word in ("it", "this", "that", "its"):
        return _thing(word, before, behind)
    if word in _POINTING:
        return (
            not _CATAPHORIC & set(behind[:3])
            or behind[:1] == []
            or (before[-1:] == ["of"] and behind[:1] != [] and behind[0] in _AUXILIARIES)
        )
    if word == "her":
        return bool(behind)
    if "," in behind and word in _OWNERS | _SUBJECTS:
        return False  # "by their age, list the singers"
    if word in _OWNERS:
        # "show their names", but not "list by their age all singers"
        return (
            not set(behind[1:]) & frozenset("all every each the".split()) - {"the"}
            and len(behind) <= 8
            and not {"of", "for"} & set(behind)
        )
    return True


def _has_nothing(words: list[str]) -> bool:
    return all(word in _EMPTY or not word[0].isalpha() for word in words)


def _in_question(word: str, before: list[str], behind: list[str]) -> bool:
    """ "How many orders do they have": what is asked for is not what "they" are."""
    if (
        not before
        or before[0] not in _WH
        or before[-1] not in _AUXILIARIES
        or set(before) & _LATER_CLAUSE - {"which", "who", "whose", "where"}
    ):
        return False
    nouns = [w for w in before if w not in _EMPTY]
    if len(nouns) > 2 or {"of", "in", "for", "with", "from", "by"} & set(before) or "," in behind:
        return False
    return word in _SUBJECTS or (word in _POINTING and (not behind or behind[0] in _EMPTY - _CATAPHORIC))


def _of_pronoun(before: list[str], word: str, behind: list[str]) -> bool:
    """ "The average price of these"."""
    if (
        word not in _OBJECTS | _POINTING
        or before[-1] not in ("of", "for", "from", "by", "in")
        or set(before) & _LATER_CLAUSE
    ):
        return False
    nouns = [w for w in before if w not in _EMPTY]
    links = [w for w in before if w in ("in", "for", "with", "from", "by", "than", "to", "of", "have", "has", "had")]
    if len(nouns) > 2 or len(links) > 1:
        return False
    return not behind or (word in _POINTING and behind[0] in _EMPTY - _CATAPHORIC - {"two", "three"})


def _thing(word: str, before: list[str], behind: list[str]) -> bool:
    """It, this, that: often a conjunction, or nothing at all."""
    if word == "that":
        # "is that", "of that", "that one", "why is that"
        return bool(before) and (not behind or behind[0] == "one" or (before[-1] in _TOOLS and behind[0] in _FRAGMENT))
    if word == "this":
        return (
            bool(behind)
            and behind[0] not in _PERIODS | {"is", "was"}
            and len(behind) <= 4
            and behind[0] not in _AUXILIARIES
            and bool(before)
        ) or (bool(before) and not behind)
    if word == "its":
        return not {"of", "for"} & set(behind) and "," not in behind and len(behind) <= 6
    if {"that", "to", "who", "which", ",", "for"} & set(behind) or not before:
        return False
    return before[-1] in _AUXILIARIES | _TOOLS and (
        not behind or behind[0] not in ("take", "takes", "rain", "snow", "be", "possible", "true", "the", "a", "an")
    )


def _fragment(words: list[str], message: Message) -> bool:
    """ "And in Bonn?", "only the big ones", "by month": a piece that says not what of."""
    rest = [word for word in words if word[0].isalnum()]
    conjunction = bool(rest) and rest[0] in _CONJUNCTIONS
    while rest and rest[0] in _CONJUNCTIONS | {"also", "now", "then", "please", "ok", "so"}:
        rest = rest[1:]
    if not rest:
        return False
    names_table = any(message.is_table(word) for word in rest)
    if conjunction and not names_table and (len(rest) <= 4 or _elliptical(rest)):
        return True
    if rest[0] in ("only", "just") and not names_table and len(rest) <= 6 and not _WH & set(rest):
        return rest[-1] in ("one", "ones") or rest[1:2] == [] or rest[1] in _FRAGMENT | {"the"}
    if rest[-1] == "ones" and not names_table and len(rest) <= 6:
        return True
    if (
        rest[0] in ("sort", "sorted", "order", "ordered", "group", "grouped", "filter", "filtered", "limit", "ranked")
        and len(rest) <= 4
    ):
        return not names_table and rest[1:2] in (["by"], ["to"], ["on"], ["descending"], ["ascending"])
    if rest[0] in ("by", "per") and len(rest) <= 2:
        return True
    if rest[-1] == "too" or rest[-2:] == ["as", "well"]:
        return len(rest) <= 6 and not names_table and rest[0] in _TOOLS | {"add", "include", "with"}
    short = len(rest) <= 3 and not _WH & set(rest) and "," not in words
    return short and rest[0] in _FRAGMENT and not names_table


def _elliptical(rest: list[str]) -> bool:
    """ "How many are in Bonn": how many of what?"""
    return (
        (rest[:2] == ["how", "many"] and rest[2:3] and rest[2] in _AUXILIARIES)
        or (rest[0] in ("which", "who") and rest[1:2] and rest[1] in _AUXILIARIES)
        or False
    )


# Chinese: the pronoun comes first, or after what only asks.
_ZH = re.compile(r"[\u3400-\u9fff]")
_ZH_POINTING = re.compile(
    r"(?<!其)(?:它们?|他们?|她们?)(?!人)|这些(?!年|天|日子)|那些|其中|上述|以上|前面(?:的|这|那)|"
    r"刚才|刚刚(?:的|那)|上面(?:的|这|那|提到)|上一?个?(?:问题|结果|回答|查询)|之前的?(?:问题|结果|"
    r"查询|回答)|"
    r"这几[个家位名条件种款]|那几[个家位名条件种款]|[这那](?:个|家|位|名|条|件|款|张|座|本|部|门|场|"
    r"首)(?!月|星期|季度|数据库|库|表|学期|世纪|年代|时候|系统|公司|城市|年度)|该(?!数据库|表|库)"
)
_ZH_ASKING = re.compile(
    r"(?:请问?|帮我|给我|告诉我?|我想?|知道|列出|显示|查询|查|统计|计算|求|找出|找|展示|看看|看|一下|"
    r"那么|那|然后|接着|再|还有|和|以及|在|里面?|对于?|按照?|把|将|根据|针对|关于|有|多少|几|个|是|"
    r"都|哪些?|什么|"
    r"只|只要|只看|仅|的|中|从|要|能|可以|[\s,，。:：?？、])+"
)
_ZH_BARE = re.compile(
    r"^(?:那|那么|然后|还|再|请|但是?|可是?)*(?:为什么|为啥|为何|怎么会|怎么会这样|原因呢?|真的|确定|"
    r"你?确定|继续|更多|下一页|上一页|再来|再来一次|换一个|重新来|不对|错了|不是这个|还有呢|还有吗|"
    r"还有|然后呢|所以呢|"
    r"怎么算的|怎么来的|解释一下|详细一点|具体点|什么意思|同上|一样的|倒序|升序|降序|反过来)[吗呢吧啊的了]*$"
)
_ZH_AND = re.compile(
    r"^(?:那么?|还有|至于|换成|改成看|如果是)(?!些|个|里|天|年|月|时|边|位|种|么多|座|家|名|只|场|本|"
    r"条)[^,，]{1,10}呢?$"
)
_ZH_SHORT = re.compile(r"^[^,，]{1,8}呢$")
_ZH_ONLY = re.compile(
    r"^(?:只要|只看|只显示|仅看|仅)[^,，]{1,8}$|^(?:再|然后|那)?(?:按|按照|换成)[^,，]{1,5}(?:排序|分组|排列|显示|排|分|看)?$"
)
_ZH_QUESTION = re.compile(r"多少|几|哪|谁|什么|列出|显示|查询|统计|平均|总|最|是否|数量|数$")


def _chinese(message: Message) -> bool:
    text = re.split(r"[。?？!！;；]", message.plain)[0].strip()
    if _ZH_BARE.match(text):
        return True
    if match := _ZH_POINTING.search(text):
        before = _ZH_ASKING.sub("", text[: match.start()])
        if not before:
            if match[0] in ("该", "其中", "以上", "上述") and match.start() == 0 and match[0] != "其中":
                return not re.match(r"上?[^,，]{0,12}[，,]", text[match.end() :])
            if match[0].startswith("那"):
                return _zh_those(text[match.end() :])
            return not match[0].startswith("这") or _zh_these(text[match.end() :])
    if _ZH_AND.match(text) and (text.endswith("呢") or text.startswith(("换成", "至于"))):
        return not re.search(r"多少|几[个家名]|哪", text)
    if _ZH_SHORT.match(text) and not re.search(r"多少|几|哪|谁|什么|在.+呢", text):
        return True
    return bool(_ZH_ONLY.match(text)) and not _ZH_QUESTION.search(text) and not _zh_table(text, message)


_ZH_NOUN = re.compile(r"([^在都有是被哪多几的不没最既从,，‹]{2,5})(.?)")


def _zh_those(text: str) -> bool:
    """Whether a noun follows, not what describes one; 那 is often written for 哪, too."""
    match = _ZH_NOUN.match(text)
    if not match:
        return not text or ("的" not in text and text[0] in "在都有是")
    return match[2] in ("", "的", "都", "哪", "多", "几") or (match[2] in "在有是被" and "的" not in text)


def _zh_these(text: str) -> bool:
    """By itself, or with a noun that it makes one of what was said; "these stations" alone may be all there are."""
    match = _ZH_NOUN.match(text)
    return not match or match[2] in ("", "的", "都", "呢", "哪")


def _zh_table(text: str, message: Message) -> bool:
    return any(text[i : i + 2] in message.tables for i in range(len(text) - 1)) or bool(message.means & message.tables)


_OTHERS = re.compile(
    r"^(?:und|et|y|e|и|en|ed|oraz|ve)\s+(?:wie|welche|was|in|fur|combien|quel|lesquels|en|pour|"
    r"cuant\w+|cual\w*|de|quant\w+|qual\w*|di|сколько|какие|hoeveel|welke|kac)\b|"
    r"^(?:warum|pourquoi|por que|perche|почему|なぜ|どうして|왜|neden|dlaczego|waarom)\s*[?？]*$|"
    r"^(?:それら|それ(?:は|の|を|が)|その中|そのうち|그들|그것|그 중|그중|그럼|じゃあ|では、)|"
    r"\b(?:davon|wie viele davon|d'entre (?:eux|elles)|de (?:ellos|ellas|estos|esos)|di (?:loro|"
    r"questi|essi)|из них|deles|delas|ervan)\b"
)
