"""The package's version (in no closure: a release reruns nothing)."""

VERSION = "0.1.0"
