"""The package's version (in no closure: a release reruns nothing)."""

VERSION = "0.2.0"
