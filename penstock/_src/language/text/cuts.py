"""Cuts of texts before byte pairs are merged, by the names that GGUF files have for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from penstock._src.language.text.tokenizers import library


class Cut(NamedTuple):
    """A way to cut texts into words.

    Args:
      patterns: regular expressions, each of which cuts what the ones before it left whole; between matches and around them.
      as_gpt2: True: the words of GPT-2 are cut after that.
      takes_words: True: a word that is a token is taken whole, whatever the merges are.
      begins: True: texts begin with a token, where the file does not say.
    """

    patterns: tuple[str, ...] = ()
    as_gpt2: bool = False
    takes_words: bool = False
    begins: bool = False

    def steps(self) -> Any:
        """Returns the steps of the library `tokenizers`."""
        lib = library()
        pre = lib.pre_tokenizers
        splits = [pre.Split(lib.Regex(pattern), "isolated") for pattern in self.patterns]
        return pre.Sequence(
            [*splits, pre.ByteLevel(add_prefix_space=False, use_regex=self.as_gpt2)]
        )


_ENDINGS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_BLANKS = r"\s*[\r\n]+|\s+(?!\S)|\s+"


def _words(
    letters: str, digits: str, before: str = _ENDINGS + "|", after_signs: str = r"[\r\n]*"
) -> str:
    """The pattern of words, numbers of so many digits, signs and blanks."""
    return rf"{before}[^\r\n\p{{L}}\p{{N}}]?[{letters}]+|\p{{N}}{digits}| ?[^\s{letters}\p{{N}}]+{after_signs}|{_BLANKS}"


def _capitalized(ending: str, digits: str) -> str:
    """The pattern that also cuts before capitals within words: some of them, then small letters; then likewise without small letters."""
    large, small = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
    sign = r"[^\r\n\p{L}\p{N}]?"
    words = f"{sign}{large}*{small}+{ending}|{sign}{large}+{small}*{ending}"
    return rf"{words}|\p{{N}}{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_BLANKS}"


_PLAIN = Cut(as_gpt2=True)
_DIGITS = Cut((r"\p{N}",), as_gpt2=True)
_TRIPLES, _SINGLES = _words(r"\p{L}", "{1,3}"), _words(r"\p{L}", "")
_LLAMA3 = Cut((_TRIPLES,), takes_words=True, begins=True)
_CODER = (r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", r"[一-龥ࠀ-一가-퟿]+", r"\p{N}")
_NAMES: Mapping[Cut, str] = {
    _PLAIN: "a.x-4.0 default exaone4 gigachat gpt-2 granite-docling jais mellum mpt olmo phi-2 trillion",
    _DIGITS: "codeshell command-r exaone minerva-7b refact smollm starcoder",
    _LLAMA3: "falcon-h1 falcon3 lfm2 llama-bpe llama-v3 llama3 midm-2.0 pixtral",
    Cut((_TRIPLES,)): "chatglm-bpe dbrx smaug-bpe",
    Cut((_TRIPLES,), takes_words=True): "glm4",
    Cut((_SINGLES,)): "deepseek-r1-qwen grok-2 hunyuan kormo megrez qwen2 solar-open stablelm2",
    Cut((_words(r"\p{L}\p{M}", ""),)): "qwen35",
    Cut((_words(r"\p{L}", "", after_signs=""),)): "seed-coder",
    Cut((_capitalized("", ""),), takes_words=True, begins=True): "tekken",
    Cut((_capitalized(_ENDINGS + "?", "{1,3}"),)): "gpt-4o kanana2 llama4",
    Cut(_CODER): "deepseek-coder",
}
# The ways by their names.
CUTS: Mapping[str, Cut] = {name: cut for cut, names in _NAMES.items() for name in names.split()}
