"""What stands before the matter: greetings, please, could you, I would like to."""

from __future__ import annotations

GREETINGS = frozenset(
    "hi hello hey heya hiya howdy yo greetings hallo servus moin hola buenas buenos bonjour bonsoir"
    " salut coucou ciao salve"
    " ola oi bom boa namaste merhaba selam privet salam shalom czesc hej hei ahoj sawubona aloha"
    " konnichiwa annyeong nihao"
    " dear gm".split()
)
_POLITE = frozenset(
    "please pls plz kindly just simply now then next first finally also ok okay so well and but alright right"
    " immediately quickly maybe thanks immediately once bitte por favor".split()
)
_ADDRESSED = frozenset("there team bot assistant everyone all friend sir madam computer robot buddy guys ai".split())

# Longest first; "…" is not among the words. What follows is what is wanted.
_OPENINGS = sorted(
    (
        tuple(phrase.split())
        for phrase in """
        can you|could you|would you|will you|can u|could u|can we|could we|can i|could i|may i|might i
        are you able to|is it possible to
        i want to|i want you to|i need to|i need you to|i would like to|i would like you to|i wish to|i have to
        i will|we will|i am going to|i order you to|i command you to|i expect you to
        we need to|we want to|we should|we must|we have to|you must|you should|you have to|you need to|you can|you may
        let us|let me|help me|help me to|help us|help us to|go ahead and|go and|try to|try and|feel free to
        make sure to|make sure you
        i want|i need|i would like|we want|we need|do me a favor and|be so kind and|time to|it is time to
        good morning|good afternoon|good evening|good day|guten morgen|guten tag|guten abend|good night
        do you know|do you have|have you got|are there any|i wonder|i was wondering|would you mind|do you mind
    """.replace("\n", "|").split("|")
        if phrase.split()
    ),
    key=len,
    reverse=True,
)
_HOW_TO = frozenset(
    tuple(phrase.split())
    for phrase in (
        *("how to", "how do i", "how can i", "how would i", "how should i", "how could i", "how do we", "how can we"),
        *("how do you", "what is the command to", "what is the sql to"),
    )
)


def matter(words: list[str], how_to: bool = False) -> list[str]:
    """The words without what stands before the matter; with `how_to` also without "how do I"."""
    left = words
    while left:
        shorter = _without_one(left, how_to)
        if shorter is None:
            break
        left = shorter
    return left


def _without_one(words: list[str], how_to: bool) -> list[str] | None:
    if words[0] in (",", ":"):
        return words[1:]
    for opening in _OPENINGS:
        if tuple(words[: len(opening)]) == opening:
            return words[len(opening) :]
    if how_to:
        for opening in _HOW_TO:
            if tuple(words[: len(opening)]) == opening:
                return words[len(opening) :]
    if words[0] in GREETINGS:
        return words[2:] if len(words) > 1 and words[1] in _ADDRESSED else words[1:]
    return words[1:] if words[0] in _POLITE else None
