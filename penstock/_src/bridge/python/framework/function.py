"""`tensorflow.python.framework.function`: functions of TensorFlow 1's graphs."""

from typing import Any

from penstock._src.bridge.python.framework.function_def_to_graph import known_functions
from penstock._src.core.calls.consent import consent_of_program
from penstock._src.core.dispatch import STATE
from penstock._src.graph.serialize.importer import Library, import_function
from penstock._src.v1.saving.defun import DefinedFunction as _DefinedFunction
from penstock._src.v1.saving.defun import Defun
from penstock._src.v1.saving.defun import OverloadedFunction as _OverloadedFunction

__all__ = ["Defun", "_DefinedFunction", "_OverloadedFunction"]


def _captures() -> Any:
    graph = STATE.graph
    return graph.captures if graph is not None and graph.building_function else ()


def get_extra_inputs() -> list[Any]:
    """Returns the outer tensors that the function being traced uses."""
    return [outer for outer, _ in _captures()]


def get_extra_args() -> list[Any]:
    """Returns the arguments that stand for the outer tensors in the function being traced."""
    return [inner for _, inner in _captures()]


def get_extra_vars() -> list[Any]:
    """Returns the variables that the function being traced uses."""
    graph = STATE.graph
    return list(graph.variables) if graph is not None and graph.building_function else []


def _from_definition(fdef: Any, grad_func: Any = None) -> _DefinedFunction:
    """Returns the function of a FunctionDef, with the function of its gradients."""
    return _imported(
        fdef, Library(known=known_functions(), consent=consent_of_program()), grad_func
    )


def _imported(fdef: Any, library: Library, grad_func: Any) -> _DefinedFunction:
    signature = fdef.signature

    def undefined(*args: Any) -> None:
        raise TypeError(f"{signature.name} has no Python function.")

    definition = _DefinedFunction(
        undefined,
        [argument.type for argument in signature.input_arg],
        func_name=signature.name,
        grad_func=grad_func,
        out_names=[argument.name for argument in signature.output_arg],
    )
    definition._traced = import_function(fdef, library)
    return definition


def from_library(lib: Any) -> list[_DefinedFunction]:
    """Returns the functions of a FunctionDefLibrary, each with the function of its gradients.

    Raises:
      ValueError: a function of gradients, or what it is for, is not in the library, or they need one another.
    """
    definitions = {fdef.signature.name: fdef for fdef in lib.function}
    gradients = {}
    for pair in lib.gradient:
        for name in (pair.function_name, pair.gradient_func):
            if name not in definitions:
                raise ValueError(f"FunctionDefLibrary missing '{name}' FunctionDef\n{lib}")
        gradients[pair.function_name] = pair.gradient_func
    library = Library(lib, known=known_functions(), consent=consent_of_program())
    functions: dict[str, _DefinedFunction] = {}
    while len(functions) < len(definitions):
        ready = [
            name
            for name in definitions
            if name not in functions and (name not in gradients or gradients[name] in functions)
        ]
        if not ready:
            raise ValueError(f"FunctionDefLibrary contains cyclic gradient functions!\n{lib}")
        for name in ready:
            functions[name] = _imported(
                definitions[name], library, functions.get(gradients.get(name, ""))
            )
    return list(functions.values())
