"""Display names of methods and losses."""

METHODS = {
    "egp": "E-GP",
    "egp_checked": "E-GP, checked",
    "egp_racing": "E-GP, racing",
    "egp_halving": "E-GP, halving",
    "random_search": "Random search",
    "ngl_gp": "NGL-GP",
    "ngl_gp_rescored": "NGL-GP, re-scored",
    "regularised_evolution": "Regularised evolution",
    "glo": "GLO",
    "taylor_glo": "TaylorGLO",
    "robust_taylor": "Robust Taylor",
    "gp_lfl": "GP-LFL",
}

SHORT_METHODS = {
    "random_search": "RS",
    "egp_checked": "E-GP-C",
    "egp_racing": "E-GP-R",
    "egp_halving": "E-GP-H",
    "ngl_gp": "NGL",
    "ngl_gp_rescored": "NGL-R",
    "regularised_evolution": "RE",
    "taylor_glo": "TGLO",
    "robust_taylor": "RT",
    "gp_lfl": "LFL",
}
"""Abbreviations, for tables with one column per method."""

LOSSES = {
    "cross_entropy": "Cross entropy",
    "label_smoothing": "Label smoothing",
    "focal": "Focal",
    "mse": "MSE (Brier)",
    "mae": "MAE",
    "gce": "GCE",
    "sce": "SCE",
    "nce": "NCE",
    "nce_rce": "NCE + RCE",
    "nce_mae": "NCE + MAE",
    "nce_aul": "NCE + AUL",
    "nfl_rce": "NFL + RCE",
    "nfl_mae": "NFL + MAE",
    "agce": "AGCE",
    "aul": "AUL",
    "ael": "AEL",
    "poly1": "Poly-1",
    "poly1_focal": "Poly-1 focal",
    "taylor_ce": "Taylor CE",
    "bi_tempered": "Bi-tempered",
    "square_logits": "Square (logits)",
    "l1_logits": "L1 (logits)",
    "hinge": "Hinge",
    "squared_hinge": "Squared hinge",
    "cubed_hinge": "Cubed hinge",
    "square_one_vs_rest": "Square, one-vs-rest",
    "hinge_one_vs_rest": "Hinge, one-vs-rest",
    "logistic_one_vs_rest": "Logistic, one-vs-rest",
    "squared_log": "Squared log",
    "tanimoto": "Tanimoto",
    "cauchy_schwarz": "Cauchy–Schwarz",
    "baikal": "Baikal",
    "baikal_cma": "BaikalCMA",
    "ngl": "NGL",
    "evoloss_loglog": "evoloss log-log",
    "evoloss_ratio": "evoloss ratio",
}


def method_name(method: str) -> str:
    """The display name of a method in tables and figures; lines may break at its spaces."""
    return METHODS.get(method, method.replace("_", " "))


def short_method_name(method: str) -> str:
    """The abbreviation of a method; its display name if it has none."""
    return SHORT_METHODS.get(method, method_name(method))


def loss_name(loss: str) -> str:
    """The display name of a loss: a champion's is its method and run seed."""
    method, separator, seed = loss.rpartition("_seed")
    if separator and seed.isdigit():
        return f"{method_name(method)}, seed {seed}"
    return LOSSES.get(loss, loss)
