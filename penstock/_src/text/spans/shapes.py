"""Shapes of words: patterns of their characters, and their bits."""

import enum
import re
from typing import Any

from penstock._src.api.array.joining import stack
from penstock._src.api.strings.functions import regex_full_match
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.text.inputs import known_rank, text_op
from penstock._src.util.export import export

_EMOTICONS = (
    ":-) :) :o) :] :3 :> =] =) :} :^) :-D :-)) :-))) :-)))) :-))))) >:[ :-( :( :-c :c :-< :< :-[ :[ :{ ;( :-|| :@ >:( :'-( :'( :'-) :') D:< >:O :-O :-o :* :-* "
    ":^* ;-) ;) *-) *) ;-] ;] ;^) :-, >:P :-P :p =p :-p :P =P ;p ;-p ;P ;-P >:\\ >:/ :-/ :-. :/ :\\ =/ =\\ :| :-| :$ :-# :# O:-) 0:-) 0:) 0;^) >:) >;) >:-) }:-) "
    "}:) 3:-) >_>^ ^<_< |;-) |-O :-J :-& :& #-) %-) %) <:-| ~:-\\ *<|:-) =:o] ,:-) 7:^] </3 <3 8-) ^_^ :D =D ^_^;; O=) }=) B) B-) =| -_- o_o; u_u :-\\ :s :S :-s "
    ":-S ;* ;-* =( >.< >:-( >=( ;_; T_T =( ='( >_< D: :o =o o.o :O =O O.O x_x X-( X( X-o X-O :X) (=^.^=) (=^..^=) =^_^= -<@% :(|) :(:) (]:{ <\\3 ~@~ 8'( XD DX :っ) "
    ":っC ಠ_ಠ"
).split()
_EMOTICON = "|".join(re.escape(emoticon) for emoticon in _EMOTICONS)
_EMOJI = (
    "‼⁉ℹ↔-↙↩↪⌚⌛⌨⏏⏩-⏳⏸-⏺Ⓜ▪▫▶◀◻-◾☀-⛿✂✅✈-✍✏✒✔✖✝✡✨✳✴❄❇❌❎❓-❕❗❣❤➕-➗⤴⤵⬅-⬇⬛⬜⭐⭕〰〽㊗㊙"
    "\U0001f004\U0001f0cf\U0001f170\U0001f171\U0001f17e\U0001f17f\U0001f18e\U0001f191-\U0001f19a\U0001f1e6-\U0001f1ff\U0001f201\U0001f202\U0001f21a\U0001f22f"
    "\U0001f232-\U0001f23a\U0001f250\U0001f251\U0001f300-\U0001f6ff\U0001f900-\U0001f9ff\U0001fa70-\U0001fa74\U0001fa78-\U0001fa7a\U0001fa80-\U0001fa86"
    "\U0001fa90-\U0001faa8\U0001fab0-\U0001fab6\U0001fac0-\U0001fac2\U0001fad0-\U0001fad6"
)
_OPEN_QUOTES = "\"'`＇＂‘‚‛“«„‟‹「『〝⹂｢﹁﹃"
_CLOSE_QUOTES = "\"'`＇＂»’”›」』〞〟﹂﹄｣"
_MARK = r"[\p{P}\p{S}]"
_NO_MARK = r"[^\p{P}\p{S}]"


@export("text.WordShape", v1=[])
class WordShape(enum.Enum):
    """Patterns of words, for `wordshape`."""

    HAS_PUNCTUATION_DASH = r".*\p{Pd}+.*"
    HAS_NO_DIGITS = r"\P{Nd}*"
    HAS_SOME_DIGITS = r".*\P{Nd}\p{Nd}.*|.*\p{Nd}\P{Nd}.*"
    HAS_ONLY_DIGITS = r"\p{Nd}+"
    IS_NUMERIC_VALUE = r"([+-]?((\p{Nd}+\.?\p{Nd}*)|(\.\p{Nd}+)))([eE]-?\p{Nd}+)?"
    HAS_NO_PUNCT_OR_SYMBOL = f"{_NO_MARK}*"
    HAS_SOME_PUNCT_OR_SYMBOL = f".*{_NO_MARK}{_MARK}.*|.*{_MARK}{_NO_MARK}.*"
    IS_PUNCT_OR_SYMBOL = r"[\p{P}|\p{S}]+"
    BEGINS_WITH_PUNCT_OR_SYMBOL = f"{_MARK}.*"
    ENDS_WITH_PUNCT_OR_SYMBOL = f".*{_MARK}"
    ENDS_WITH_ELLIPSIS = r".*(\.{3}|[…⋯])"
    IS_EMOTICON = _EMOTICON
    ENDS_WITH_EMOTICON = f".*({_EMOTICON})$"
    HAS_EMOJI = f".*(.*[{_EMOJI}].*)$"
    IS_ACRONYM_WITH_PERIODS = r"(\p{Lu}\.)+"
    IS_UPPERCASE = r"\p{Lu}+"
    IS_LOWERCASE = r"\p{Ll}+"
    HAS_MIXED_CASE = r".*\p{Lu}.*\p{Ll}.*|.*\p{Ll}.*\p{Lu}.*"
    IS_MIXED_CASE_LETTERS = r"\p{L}*\p{Lu}\p{L}*\p{Ll}\p{L}*|\p{L}*\p{Ll}\p{L}*\p{Lu}\p{L}*"
    HAS_TITLE_CASE = r"\P{L}*[\p{Lu}\p{Lt}]\p{Ll}+.*"
    BEGINS_WITH_OPEN_QUOTE = f"``.*|[{_OPEN_QUOTES}][^{_OPEN_QUOTES}]*"
    ENDS_WITH_CLOSE_QUOTE = f".*''|[^{_CLOSE_QUOTES}]*[{_CLOSE_QUOTES}]"
    HAS_MATH_SYMBOL = r".*\p{Sm}.*"
    HAS_CURRENCY_SYMBOL = r".*\p{Sc}.*"
    HAS_NON_LETTER = r".*\P{L}.*"


@export("text.wordshape", v1=[])
def wordshape(input_tensor: Any, pattern: Any, name: str | None = None) -> Any:
    """Returns whether words are of a shape.

    Args:
      input_tensor: strings, dense or ragged.
      pattern: a `WordShape`, or a list of them.
      name: of the operation.

    Returns:
      Bools of the same shape; for a list, with one more dimension.

    Raises:
      TypeError: `pattern` is neither.

    >>> tf.text.wordshape(["A1", "b"], tf.text.WordShape.HAS_SOME_DIGITS).numpy()
    array([ True, False])
    """
    if isinstance(pattern, WordShape):
        return regex_full_match(input_tensor, pattern.value, name)
    if isinstance(pattern, (list, tuple)) and all(isinstance(one, WordShape) for one in pattern):
        return stack([wordshape(input_tensor, one) for one in pattern], axis=-1)
    raise TypeError("Expected 'pattern' to be a single WordShape or a list of WordShapes.")


@export("text.utf8_binarize", v1=[])
def utf8_binarize(
    tokens: Any,
    word_length: int = 16,
    bits_per_char: int = 24,
    replacement_char: int = 65533,
    name: str | None = None,
) -> Any:
    """Returns the bits of the code points of words, the lowest of each first.

    Args:
      tokens: strings of any shape.
      word_length: how many characters of each word.
      bits_per_char: how many bits of each character.
      replacement_char: the code point that stands for malformed bytes.
      name: of the operation.

    Returns:
      float32 [..., word_length * bits_per_char] of 0 and 1.

    Raises:
      ValueError: the rank of `tokens` is unknown.

    >>> tf.text.utf8_binarize("a", word_length=1, bits_per_char=8).numpy()
    array([1., 0., 0., 0., 0., 1., 1., 0.], dtype=float32)
    """
    tokens = convert_to_tensor(tokens)
    rank = known_rank(tokens, "Rank of `tokens` must be statically known.")
    flat = tokens if rank == 1 else raw.Reshape(tensor=tokens, shape=[-1])
    bits = text_op("Utf8Binarize")(
        input_tokens=flat,
        word_length=word_length,
        bits_per_char=bits_per_char,
        replacement_char=replacement_char,
        name=name,
    )
    if rank == 1:
        return bits
    shape = raw.ConcatV2(values=[raw.Shape(input=tokens), [word_length * bits_per_char]], axis=0)
    return raw.Reshape(tensor=bits, shape=shape)
