"""Display names of methods, losses and statuses."""

METHODS = {"egp": "E-GP", "random_search": "Random search"}

LOSSES = {
    "cross_entropy": "Cross entropy",
    "label_smoothing": "Label smoothing",
    "focal": "Focal",
    "mse": "MSE (Brier)",
    "mae": "MAE",
    "gce": "GCE",
    "poly1": "Poly-1",
    "baikal": "Baikal",
    "ngl": "NGL",
}


def method_name(method: str) -> str:
    """How a method is called in tables and figures."""
    return METHODS.get(method, method)


def loss_name(loss: str) -> str:
    """How a loss is called: catalogue losses by title, champions by method and run seed."""
    method, separator, seed = loss.rpartition("_seed")
    if separator and seed.isdigit():
        return f"{method_name(method)}, seed {seed}"
    return LOSSES.get(loss, loss)
