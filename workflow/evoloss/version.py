"""The package's version (not part of any step's code digest: a release reruns nothing)."""

VERSION = "0.2.0"
