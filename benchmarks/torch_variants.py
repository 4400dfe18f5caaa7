"""Which of PyTorch's ways of running take part, without importing PyTorch."""

import argparse

# As `torch_sides.py` has them, where each is described.
VARIANTS = ("eager", "bf16", "compile", "graphs")
HELP = (
    "PyTorch's sides, some of eager (float32; TF32 on a GPU), bf16 (autocast), compile (and bf16), graphs (compile "
    "with CUDA graphs), or none; default: eager on a CPU, all on a GPU"
)


def parse(text: str) -> tuple[str, ...]:
    """The words of a command line, `none` for no side."""
    words = tuple(word for word in text.split(",") if word and word != "none")
    for word in words:
        if word not in VARIANTS:
            raise argparse.ArgumentTypeError(f"{word!r}: expected some of {', '.join(VARIANTS)}, or none")
    return words


def chosen(words: tuple[str, ...] | None) -> tuple[str, ...]:
    """Those that were named; by default one on a CPU, where its users take no other, and all on a GPU."""
    if words is not None:
        return words
    import jax

    return ("eager",) if jax.default_backend() == "cpu" else VARIANTS
