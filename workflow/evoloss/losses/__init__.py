"""`from evoloss.losses import loss, catalogue, plot`: any loss by name, expression or `module:function`."""

_PLACES = {"loss": "as_module", "catalogue": "show", "plot": "show"}


def __dir__() -> list[str]:
    return sorted(_PLACES)


def __getattr__(name: str):
    # Imported lazily: an import at the top of this file would count as code of every rule.
    if name in _PLACES:
        from importlib import import_module

        return getattr(import_module(f"evoloss.losses.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
