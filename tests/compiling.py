"""Compilation for tests: networks are tiny, and compiling them takes longer than running them."""

import jax

OPTIONS = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


def compile_fast(function):
    """Compiles in half the usual time, to a slow program."""
    return jax.jit(function, compiler_options=OPTIONS)
