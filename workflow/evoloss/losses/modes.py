"""For values that a loss computes once: they must not depend on where it is first called, as in a compiled function."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps


def constant_when_compiled(function: Callable) -> Callable:
    """Makes torch.compile call `function` while it compiles and treat the result as a constant.

    As `torch.compiler.assume_constant_result`, but without importing the compiler at once, which takes a second.
    """
    function._dynamo_marked_constant = True
    return function


def in_a_fresh_thread(function: Callable) -> Callable:
    """`function`, run in a new thread, where no mode of the caller is active: no inference mode, autocast, transform
    of torch.func, default device or fake tensors."""

    @wraps(function)
    def run(*arguments):
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(function, *arguments).result()

    return run
