"""Messages that ask for no data: greetings, thanks, small talk, questions to and about the assistant, prompts."""

from __future__ import annotations

import re

from nl2sql_pg.courtesies import GREETINGS, matter
from nl2sql_pg.message import Message

# Of each message of small talk at least one is among these, and all others are among those after them.
_STRONG = GREETINGS | frozenset(
    "thanks thank thx ty tysm cheers bye goodbye cya farewell lol lmao rofl haha hahaha hehe hmm hm"
    " huh wow oops ouch yay hooray yes no"
    " yeah yep yup nope nah ok okay sure fine cool great nice awesome amazing perfect excellent"
    " brilliant wonderful fantastic good bad"
    " sorry apologies welcome congrats congratulations morning afternoon evening night sup wassup"
    " test testing ping foo bar baz help"
    " please stop quit exit cancel start begin done ready whatever nevermind understood"
    " gotcha roger bravo damn shit fuck"
    " stupid idiot dumb useless boring funny smart clever love hate bored tired happy sad hungry"
    " lonely angry birthday weekend"
    " holiday christmas merry xmas easter luck blah um uh well right wrong correct exactly absolutely indeed agreed"
    " seriously really true"
    # German, French, Spanish, Italian, Portuguese, Dutch, Nordic, Polish, Turkish, Vietnamese, Indonesian, Russian,
    # Ukrainian, Arabic, Hindi, Hebrew, Greek, Thai
    " danke dankeschon tschuss tschus gruss grussgott gruezi guten prima super toll genau ja nein"
    " merci revoir bonne oui non gracias"
    " adios hasta buenas buenos dias tardes noches si grazie arrivederci buongiorno buonasera"
    " obrigado obrigada tchau dia tarde noite sim nao dank bedankt"
    " goedemorgen goedendag doei tack takk hejda dziekuje dzien dobry tak nie cześć tesekkurler"
    " sagol gunaydin evet hayir"
    " cam xin chao terima kasih selamat pagi siang malam halo apa kabar"
    " привет здравствуи здравствуите спасибо пока да нет добрыи доброе добрый день утро вечер пожалуиста привіт дякую"
    " مرحبا السلام شكرا اهلا صباح الخير مساء نعم لا नमस्ते नमस्कार धन्यवाद हाँ שלום תודה γεια"
    " καλημερα ευχαριστω สวัสดี ขอบคุณ สวัสดีครับ สวัสดีค่ะ".split()
)
# What may count something, or point back.
_LEFT_OPEN = frozenset(
    "many much more most one two three it this that these those he she they them all which who whom".split()
)
_SURE_TALK = GREETINGS | frozenset("thanks thank thx bye goodbye lol haha danke merci gracias grazie obrigado".split())
_FILLER = frozenset(
    "a an the i me my mine myself you your yours yourself u ur we us our it its this that these"
    " those he she they them there here and or but so"
    " if then than as at in on of for from to with without by about up down out off over again am is"
    " are was were be been being"
    " do does did done doing have has had having can could will would shall should may might must"
    " not very much many more most"
    " lot lots too also just only all everything anything something someone anyone everyone nobody"
    " day today tonight tomorrow now"
    " later soon time going go goes went come let get got make made see seen look know think feel"
    " feeling feels say said tell told"
    " hear mean want wanted need like likes work worked working job well man dude bro guys friend"
    " friends buddy mate sir madam team what who how why when where"
    " which whats ya oh ah eh a an one two three nice to meet new old big day-to-day way thing"
    " things people person world kind so long real"
    " bot robot assistant computer machine ai llm chatbot gpt chatgpt copilot model human answer"
    " answers answering question questions try trying"
    " asking ask asked talk chat chatting conversation life doing today's problem worries problem"
    " great job care take course back having"
    " happy hope hoping wish best regards kidding joking believe interesting bored nothing special"
    " helped helps helpful never mind forget anyway ton"
    # other languages
    " wie geht es dir ihnen euch was kannst du wer bist sie sind heisst machst gehts mir gut und"
    " sehr viel vielen schon danke tag abend morgen nacht heute"
    " comment ca va allez vous tu qui es etes quoi peux faire bien tres beaucoup jour soir nuit je"
    " suis et toi s il te plait au"
    " como estas esta usted que quien eres puedes hacer muy bien muchas mucho gracias tal te llamas tu nombre y luego"
    " come stai chi sei cosa puoi fare tutto bene molto mille ti chiami a presto tudo bem quem e"
    " voce o pode fazer muito"
    " jak sie masz kim jestes hoe gaat het met jou wie ben je veel hvordan gar det hur mar du"
    " nasilsin sen kimsin ne yapabilirsin cok"
    " ban la ai co the lam gi khong cam on siapa kamu kau anda bisa"
    " как дела ты кто вы что умеешь можешь меня зовут тебя тебе хорошо очень большое делать я и"
    " كيف حالك من انت ماذا تفعل عليكم यह आप कौन हैं कैसे है मैं तुम हो क्या कर सकते".split()
)

_TO_WHOM = re.compile(
    r"^(?:from \w+|to (?:you|all|everyone)|(?:is )?any(?:one|body) (?:home|here|there|awake)|(?:there )?are you \w+)$"
)

_ABOUT_ITSELF = frozenset(
    "data database databases table tables schema schemas column columns information info dataset"
    " datasets sql query queries question questions"
    " things thing available possible commands features options examples example capabilities topics"
    " kind kinds type types stuff ask asked use used usage"
    " work works function functions here inside contain contains have has stored exist exists"
    " language languages capable limits supported support".split()
)
_HOW_IT_WORKS = re.compile(
    r"^(?:so |and |ok |please )*(?:how (?:does|do|did) (?:this|it|that|nl2sql|all this|"
    r"everything) work|how (?:do|can|should|would) i (?:use|start|begin|ask|work with)\b|"
    r"how to (?:use|start|begin|ask)\b|"
    r"what is (?:this|nl2sql|this tool|this thing)|where (?:do i|should i|to) start|what (?:now|"
    r"next)|what should i (?:do|ask)|get started|getting started)"
)
_OF_DATABASES = frozenset(
    "data database databases schema schemas sql dataset datasets question questions information table tables".split()
)
_LETTERS = frozenset("email mail letter message essay script program code function post tweet cv resume".split())
_TASKS = frozenset(
    "witz witze gedicht blague blagues chiste chistes barzelletta piada анекдот шутку poema poesia poeme стих fikra"
    " joke jokes poem poems poetry story stories song songs rap haiku essay riddle riddles limerick"
    " lullaby novel lyrics fairy tale"
    " meaning-of-life horoscope recipe recipes cook".split()
)
_TASK_VERBS = frozenset(
    "turn write compose draft sing dance play translate recommend suggest book call remind wake cook bake"
    " paint draw imagine pretend act roleplay"
    " introduce teach explain summarize entertain surprise talk chat say speak repeat spell"
    " pronounce google browse open launch shut install hack fix debug"
    " code program implement refactor buy navigate marry kiss hug laugh shout listen solve".split()
)

# Nouns as well: calls, books and plays that a question may be about.
_TASK_NOUNS = frozenset(
    "call book play cook paint draw open code program launch draft hack fix kiss hug laugh turn".split()
)
_TO_DO = frozenset("a an the my me some us it them this that your our his her him on off to with for like in".split())

_SECOND = frozenset(
    "you your yours yourself u ur yall du dir dich dein ihnen kannst bist tu toi vous usted eres"
    " puedes voce ты вы тебя sen kamu anda jij".split()
)
_AUX = frozenset("are is do does did can could will would were was have has should must may am might".split())
_WEAK = frozenset(  # words that most schemas have, and small talk has as well
    "name names age ages old type types kind make made work works model models language languages"
    " version time times day days date good best"
    " like likes number numbers use used user users help start end new first last home live lives"
    " life day place places people person family color"
    " title code order description state status weight height address favorite favourite from real"
    " man woman friend friends think know feel full"
    " create created creator owner boss company speak read write hobby job".split()
)
_NO_DATA = _WEAK | _FILLER | _OF_DATABASES
_STATEMENT_VERBS = frozenset(
    "am was feel love like hate think guess believe hope do did cannot can not have had got just"
    " miss lost forgot agree disagree understand see"
    " know wish don live enjoy prefer come work".split()
)
_WONDERING = frozenset(
    "looking interested curious wondering trying searching asking after need want find know see show list list".split()
)

_INJECTION = re.compile(
    r"\b(?:ignor\w*|disregard\w*|forget|override|bypass|skip|omit|drop|oublie\w*|olvid\w*|vergiss|"
    r"dimentica|esque\w+|игнорируи|забудь)\b(?:\s+\w+){0,6}?\s+"
    r"(?:rules?|instructions?|prompts?|guidelines?|restrictions?|directions|directives|guardrails?|"
    r"safeguards?|policy|policies|safety|above|said|told|learned|trained|"
    r"anweisungen|regeln|consignes|regles|instrucciones|reglas|istruzioni|regole|instrucoes|regras|"
    r"инструкции|правила)\b|"
    r"\b(?:system|initial|hidden|secret|original|developer|internal) (?:prompts?|instructions?|messages?|rules)\b|"
    r"\byour (?:\w+ )?(?:prompts?|instructions?|rules|guidelines|configuration|config|settings|"
    r"source|training|weights|parameters|api|key|password|secrets?|credentials|context|model|"
    r"developers?|creators?)\b|"
    r"\b(?:you are|act as|behave as|behave like|pretend to be|pretend you|pretend that you|"
    r"roleplay as|play the role|respond as|imagine you are|simulate) (?:now |no longer |"
    r"from now on )?(?:a|an|the|my|if|in|free|not|dan|going|to|evil|unrestricted|root|admin|"
    r"postgres)\b|"
    r"\bfrom now on\b|\bjailbreak\w*\b|\bdeveloper mode\b|\bdo anything now\b|\b(?:repeat|print|"
    r"output|show|reveal|echo|copy) (?:everything|all|the (?:text|words|content|conversation|"
    r"lines)) (?:above|before|so far)\b|"
    r"忽略.{0,10}(?:指令|规则|提示|要求|限制|设定|命令|以上|上面|之前|前面)|(?:无视|忘记|忘掉|不要管|"
    r"跳过).{0,8}(?:指令|规则|提示词?|要求|限制|设定|命令)|(?:你的|系统)(?:提示词?|指令|设定|规则|"
    r"prompt)|扮演|假装你?|从现在(?:起|开始)|你现在是|"
    r"(?:無視|忘れ)|(?:지시|명령|규칙|프롬프트).{0,6}무시|시스템 ?프롬프트|システムプロンプト"
)
_CODE = re.compile(
    r"</?[a-z]+[^<>]*/?>|\b(?:def|function|class|import|include|console|public static|system\.out|"
    r"printf?)\b\s*[\w.]*\s*[({:]|=>|\w://|\bwww\.|\$\{|\{\{|;\s*\}|^\s*(?:sudo|rm|cd|ls|curl|wget|"
    r"cat|chmod|pip|npm|apt|git|docker|psql|exit|\\\w+)\s+[-./\w]|^\s*\\\w+|&&|\|\||^#include|"
    r"^\s*import \w+\s*$|\.\./"
)
_SUM = re.compile(r"\b\d+ (?:times|plus|minus|divided by|multiplied by|x|mal|fois|por) \d+\b")
_SUM_SIGNS = re.compile(r"^[^\w]*(?:(?:what is|calculate|compute|how much is)\s+)?\d+(?:\s*[-+*/x^]\s*\d+)+[\s=?]*$")
_MASH = re.compile(
    r"^(?:(.)\1{2,}|(.{1,3})\2{2,}|.*(?:asdf|sdfg|dfgh|fghj|ghjk|hjkl|qwer|wert|erty|rtyu|uiop|zxcv|"
    r"xcvb|cvbn|vbnm).*|[bcdfghjklmnpqrstvwxz]{5,})$"
)

# No SELECT says how or why: what to do, what a thing is.
_EXPLAINED = re.compile(
    r"^(?:(?:and|so|but|please|ok) )*(?:why (?:is|are|do|does|did|was|were|not|should|can|must)\b|"
    r"how (?:do|can|should|could|would) (?:i|you|we|one)\b"
    r"(?! (?:find|see|get (?:the|all|a|every)|list|show|know|tell|count|look|identify|compare|determine)\b)|"
    r"how to \w|(?:explain|define) \w|what does (?:\w+ ){1,4}(?:mean|stand for)\b|tell me (?:about|why|how to)\b)"
)

# Everyday matters: the words that name one, in several languages, and those by which a schema that holds it would show.
_TOPICS: dict[str, tuple[re.Pattern[str], str]] = {
    "weather": (
        re.compile(
            r"\b(?:weather|rain|rains|raining|rainy|snow|snowing|snows|sunny|sunshine|cloudy|umbrella|"
            r"forecast tomorrow|wetter|regnet|regnen|schneit|regen|il pleut|pleuvoir|pleuvra|meteo|"
            r"quel temps|llover|llovera|llueve|lluvia|clima|piove|piovera|chover|chove|chuva|"
            r"pogoda|погода|дождь|снег|yagmur|hava durumu|thoi tiet|cuaca|hujan)\b|天气|天氣|下雨|下雪|天気|"
            r"雨が|雨は|雪が|날씨|비가|비 와|눈이 오|الطقس|मौसम|बारिश|อากาศ|ฝนตก"
        ),
        "weather rain snow precipitation temperature humidity wind climate sunshine fog forecast 天气"
        " 气温 降雨 降水 气象 天気 날씨 погода wetter",
    ),
    "the clock": (
        re.compile(
            r"^(?:what time is it|what is the (?:current )?(?:time|date)|what is today s date|"
            r"what day is (?:it|today)|what is today|what is the date today|what date is it|what year is it|"
            r"wie spat ist es|quelle heure est il|que hora es|che ore sono|que horas sao|которыи час)(?: now|"
            r" right now| please| today)?$|"
            r"^(?:现在)?几点(?:钟)?了?|^今天(?:是)?(?:几号|星期几|周几|礼拜几)|何時ですか|몇 시"
        ),
        "",
    ),
    "news": (
        re.compile(
            r"\b(?:news today|latest news|headlines|world cup winner|"
            r"who is the (?:president|king|queen|pope|prime minister|chancellor) of)\b|新闻|总统是谁|首相是谁"
        ),
        "news article headline president king minister 新闻 总统",
    ),
    "what is known everywhere": (
        re.compile(
            r"\b(?:capital (?:city )?of|who (?:invented|discovered) |"
            r"who won the (?:world|war)\b|"
            r"world cup|super bowl|olympic games|speed of light|"
            r"how (?:far|deep|high|big|hot|old) is the (?:sun|moon|earth|universe|ocean)|"
            r"boiling point|quantum|photosynthesis|black holes?|theory of|second world war|world war|"
            r"how many (?:planets|continents|oceans)|square root)|"
            r"谁发明|谁发现|世界杯|世界大战|光速|量子|相对论|圆周率"
        ),
        "",
    ),
    "life": (
        re.compile(
            r"\b(?:meaning of life|purpose of life|does god exist|sense of life|sinn des lebens|"
            r"sens de la vie|sentido de la vida)\b|人生的意义|生命的意义|生活的意义"
        ),
        "",
    ),
}

# Told by phrases that may stand in questions about data.
_ALONE = frozenset({"news", "life", "what is known everywhere"})


def is_chatter(message: Message) -> bool:
    """Whether it asks for no data, as its words alone tell, or these beside those of the tables."""
    words = message.words
    if not any(character.isalpha() for word in words for character in word):
        return True
    if _INJECTION.search(message.plain):
        return True
    if _is_small_talk(message) or _only_greets(message):
        return True
    if _writes_a_letter(message) or _wants_a_favour(message):
        return True
    if message.names_data(but=_NO_DATA):
        return False
    return (
        bool(_HOW_IT_WORKS.match(" ".join(words)))
        or bool(_CODE.search(message.text.lower()))
        or all(map(_MASH.match, words))
        or bool(_SUM.search(" ".join(words)) or _SUM_SIGNS.search(message.plain))
        or any(_speaks_to(words) for words in message.sentences)
        or _asks_what_to_ask(words)
        or (not message.is_foreign and bool(_EXPLAINED.match(" ".join(words))))
        or _task(message)
        or _in_chinese(message)
        or _in_unspaced(message)
    )


def foreign_topic(message: Message) -> str | None:
    """What the question is about if that is an everyday matter, and no table has a word of it."""
    for topic, (asked, stored) in _TOPICS.items():
        if asked.search(" ".join(message.words)):
            if any(map(message.knows, stored.split())) or _any_han(stored, message):
                return None
            return None if topic in _ALONE and (message.is_foreign or message.names_data(but=_WEAK)) else topic
    return None


def _any_han(words: str, message: Message) -> bool:
    return any(word in message.known for word in words.split())


def _is_small_talk(message: Message) -> bool:
    words = [part for word in message.words if word[0].isalpha() for part in word.split("-") if part]
    if all(word in _STRONG | _FILLER for word in words):
        strong = {word for word in words if word in _STRONG or word in _SECOND}
        if strong & _SURE_TALK:
            return True
        empty = len(words) > 1 and not _LEFT_OPEN & set(words)
        return (bool(strong) or empty) and not _names_more(message)
    return False


def _only_greets(message: Message) -> bool:
    """Whether what follows a greeting is of whom or to whom: "greetings from Berlin", "hey, anyone home?"."""
    words = message.words
    return (
        words[0] in GREETINGS and _TO_WHOM.match(" ".join(words[1:])) is not None and not message.names_data(_NO_DATA)
    )


def _names_more(message: Message) -> bool:
    """Whether a word is the name of a table, as "test" or "birthday" may be, or the only one that of a column."""
    tables = any(message.is_table(word) for word in message.words)
    return tables or (len(message.words) == 1 and message.words[0] in message.names)


def _speaks_to(words: list[str]) -> bool:
    """Whether a sentence is to or about "you", or about "me", and not a request with these words."""
    wanted = [word for word in matter(words) if word[0].isalnum()]
    bare = [word for word in words if word[0].isalnum()]
    while bare and (bare[0] in GREETINGS or bare[0] in ("so", "and", "but", "ok", "well", "please", "then")):
        bare = bare[1:]
    if not bare:
        return False
    if _addresses(bare):
        return not (wanted != bare and wanted and wanted[0] in _DATA_VERBS)
    if bare[:2] in (["i", "need"], ["i", "want"]) and not _WISHED & set(bare):
        return True
    if bare[0] in ("i", "we", "my") and wanted == bare:
        verbs = bare[1:3]
        return (
            bool(verbs)
            and (bare[0] == "my" or verbs[0] in _STATEMENT_VERBS)
            and not _WONDERING & set(bare)
            and not {"how", "which", "list"} & set(bare)
        )
    return False


_OFFERED = frozenset(
    "data database databases table tables schema columns sql query queries dataset questions commands features"
    " capabilities capable topics languages information options examples example".split()
)
_WISHED = frozenset(
    "how which what all number total count average sum every each to list top report overview data most least last new"
    " old per by".split()
)
_DATA_VERBS = frozenset(
    "show list give find count get tell return display compute calculate report see provide compare"
    " name identify retrieve fetch sort check"
    " any a an the how what which who all some select summarize group determine customers".split()
)


def _addresses(words: list[str]) -> bool:
    if "your" in words or "yourself" in words or "yours" in words:
        return True
    if not _SECOND & set(words):
        return False
    if words[:2] in (["which", "model"], ["what", "model"], ["which", "llm"]) and words[2:4] == ["are", "you"]:
        return True
    place = next(i for i, word in enumerate(words) if word in _SECOND)
    before, behind = words[:place], words[place + 1 :]
    if all(
        word in _AUX
        or word
        in (
            "what",
            "who",
            "how",
            "why",
            "where",
            "when",
            "old",
            "that",
            "the",
            "else",
            "are",
            "s",
            "else",
            "much",
            "not",
            "hell",
            "and",
            "which",
            "languages",
            "language",
            "things",
            "kind",
            "of",
            "tasks",
            "questions",
            "topics",
            "data",
            "tables",
            "databases",
            "sql",
        )
        for word in before
    ):
        if (
            before[:1]
            and before[0] in ("do", "did")
            and behind[:1]
            and behind[0]
            in ("have", "know", "sell", "offer", "store", "keep", "carry", "stock", "track", "record", "see", "find")
        ):
            return (
                len(behind) == 1
                or behind[1]
                in ("me", "feelings", "emotions", "friends", "siri", "alexa", "chatgpt", "everything", "who", "jokes")
                or bool(behind[0] in ("see", "know"))
            )
        return not (before[:1] in (["can"], ["could"], ["would"], ["will"]) and behind[:1] and behind[0] in _DATA_VERBS)
    return not behind or behind[0] in ("suck", "rock", "are")


def _asks_what_to_ask(words: list[str]) -> bool:
    """Whether it is like "what tables are there", "which data can I ask about", "list all columns"."""
    filler = _FILLER | _DATA_VERBS | {"describe", "explain", "overview"}
    about = [word for word in words if word in _WEAK | _ABOUT_ITSELF or word not in filler]
    return bool(about) and all(word in _ABOUT_ITSELF for word in about) and bool(_OFFERED & set(about))


def _writes_a_letter(message: Message) -> bool:
    """An email is to be written, whatever columns are called."""
    words = [word for word in matter(message.sentences[0]) if word[0].isalnum()]
    return words[:1] in (["write"], ["draft"], ["compose"]) and bool(_LETTERS & set(words[1:4]))


def _wants_a_favour(message: Message) -> bool:
    """A pizza is to be ordered; a joke or a recipe is to be given, and no table has just this word."""
    words = [word for word in matter(message.sentences[0]) if word[0].isalnum()]
    if words[:2] in (["order", "me"], ["book", "me"], ["call", "me"], ["buy", "me"]):
        return not any(map(message.is_table, words[2:]))
    wanted = _TASKS & set(words[3:5])
    return (
        words[:1] in (["tell"], ["give"], ["sing"], ["make"])
        and words[2:3] in (["a"], ["an"], ["another"], ["some"])
        and bool(wanted)
        and not any(
            {word, f"{word}s", f"{word[:-1]}ies"} & set(name.split("_")) for word in wanted for name in message.names
        )
    )


def _task(message: Message) -> bool:
    """Something to be written, told or done that is no look at data."""
    words = [word for word in matter(message.sentences[0]) if word[0].isalnum()]
    if not words:
        return False
    if _TASKS & set(words) and not {"how", "many", "count"} & set(words[:3]):
        return True
    if words[0] in _TASK_VERBS and len(words) > 1:
        return words[0] not in _TASK_NOUNS or words[1] in _TO_DO
    if words[0] not in _DATA_VERBS and words[1:2] == ["me"]:
        return True
    return words[0] == "tell" and words[1:2] == ["me"] and not {"how", "which", "what", "number", "the"} & set(words)


# Chinese and other writing without spaces: what is left without the words of small talk is nothing.
_ZH_STRONG = (
    "你好|您好|^早$|怎么使用|如何使用|使用方法|妳好|哈喽|哈啰|嗨|喂|大家好|早上好|下午好|晚上好|中午好|早安|午安|晚安|谢谢|多谢|"
    "感谢|谢了|再见|拜拜|回头见|辛苦|好的|好吧|收到|明白|知道了|没事|对不起|抱歉|不客气|哈哈+|呵呵+|"
    "帮帮我|帮个忙|救命|算了|嘻嘻|嘿嘿|哎呀|天哪|加油|恭喜|测试|在吗|在不在|"
    "你|您|笑话|故事|诗|唱歌|歌|聊天|聊聊|陪我|无聊|开心|难过|好累|好饿|饿了|累了|喜欢|讨厌|爱|"
    "机器人|人工智能|助手|厉害|聪明|笨|傻|蠢|垃圾|棒|赞|太好了|不错|真好|滚|闭嘴|帮助|怎么用|"
    "介绍一下自己|自我介绍|使用说明|生日快乐|新年快乐|节日快乐|周末愉快|吃饭|吃了"
)
_ZH_FILLER = (
    "是不是|是|谁|什么|啥|能不能|能|会不会|会|可以|做|干|帮|我们?|他|她|它|的|了|吗|呢|啊|吧|呀|哦|"
    "嗯|哇|噢|嘛|么|叫|名字|介绍|自己|一下|一个|一首|一段|个|首|讲|说|写|给|听|来|去|怎么样|怎么|"
    "如何|怎|样|最近|今天|明天|昨天|现在|很|真|太|好|非常|"
    "不|没|有|和|跟|想|要|请|问|回答|问题|功能|东西|事情?|都|也|还|就|那|这|些|哪|里|几岁|多大|来自|"
    "开发|创造|模型|版本|语言|中文|英文|英语|真人|人|朋友|认识|高兴|见到|最|吃|睡|觉|关于|对|啦|点|"
    "下|在|到|用|查|询|大|多|"
    "数据库?|数据表|哪些表|表|支持|怎么问|ai|bot|gpt|chatgpt|sql|deepseek|qwen"
)
_ZH_ASK = "^(?:请|麻烦|帮我?|给我|为我|能不能|能|可以|你|再|来|，|,)*"
_ZH_TASKS = re.compile(
    rf"{_ZH_ASK}(?:讲|说|来|写|作|编|唱|念)(?:一|1|两|几)?[个首段篇则封]?(?:[^的]{{0,8}}|"
    rf"关于.{{1,10}}的)(?:笑话|故事|诗|歌|作文|文章|小说|邮件|代码|情书|对联)(?:吧|吗|呗|听听)?$|"
    rf"^翻译|翻译成|{_ZH_ASK}(?:(?:订|预订)(?=一|两|个|张|份|机票|酒店|餐|外卖|票|位)|点外卖|叫车|"
    rf"打车|放首|播放音乐|放音乐)|陪我|(?:你|您)(?:是谁|叫什么|几岁|多大|会|能做|能干|喜欢|爱|觉得|"
    rf"在干|在做|好吗|是真|是人|是机|是不是|来自|有什么功能|能帮)"
)
_HAN = re.compile(r"[\u3400-\u9fff]")
_ZH_STRONG_RE = re.compile(_ZH_STRONG)
_ZH_ALL_RE = re.compile(f"{_ZH_STRONG}|{_ZH_FILLER}|[^\\u3400-\\u9fffa-z0-9]")


def _in_chinese(message: Message) -> bool:
    text = message.plain
    if not _HAN.search(text) or re.search(r"[\u3040-\u30ff\uac00-\ud7af]", text):
        return False
    if _ZH_TASKS.search(text):
        return True
    return bool(_ZH_STRONG_RE.search(text)) and not _ZH_ALL_RE.sub("", text)


_UNSPACED_STRONG = (
    "こんにちは|こんばんは|おはようございます|おはよう|はじめまして|さようなら|おやすみ|"
    "ありがとうございます|ありがとう|すみません|ごめん|よろしくお願いします|よろしく|お元気ですか|"
    "元気|もしもし|あなた|君|冗談|ジョーク|詩|歌って|面白い話|何ができますか|できること|ヘルプ|"
    "テスト|"
    "안녕하세요|안녕히|안녕|반갑습니다|반가워|감사합니다|고마워요?|고맙습니다|미안|죄송|잘 ?자|너는|"
    "넌|너|당신은|당신|이름이 뭐|누구|농담|시를|노래|도움말|뭐 ?할 수 있|무엇을 할 수|할 수 있|"
    "테스트|잘 지내|어떻게 지내|"
    "สวัสดี|ขอบคุณ|คุณ|ลาก่อน"
)
_UNSPACED_FILLER = (
    "ですか|ました|ません|ます|です|だれ|誰|何|なに|どう|元気|名前|私|今日|明日|は|が|を|に|の|と|"
    "も|で|か|ね|よ|な|お|て|ください|下さい|教えて|言って|話して|一つ|ひとつ|書いて|作って|み|る|"
    "し|た|いい|天気|"
    "오늘|내일|지금|뭐해요?|뭐야|뭐|무엇|입니까|인가요|이에요|예요|야|니|요|은|는|이|가|을|를|에|도|"
    "좀|하나|해줘|해 ?주세요|말해줘|들려줘|써줘|알려줘|있나요|있어요?|할|수|하세요|나요|내|네|잘|"
    "어떻게|지|"
    "ครับ|ค่ะ|คะ|เป็น|ใคร|ทำ|อะไร|ได้|บ้าง|สบาย|ดี|ไหม|มาก|ชื่อ"
)
_UNSPACED_STRONG_RE = re.compile(_UNSPACED_STRONG)
_UNSPACED_ALL_RE = re.compile(f"{_UNSPACED_STRONG}|{_UNSPACED_FILLER}|[^\\w]|[\\u3001\\u3002\\u0e30-\\u0e4e\\u30fc]")


def _in_unspaced(message: Message) -> bool:
    text = message.plain
    return bool(_UNSPACED_STRONG_RE.search(text)) and not _UNSPACED_ALL_RE.sub("", text)
