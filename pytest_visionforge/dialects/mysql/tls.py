"""TLS as a URL asks for it: in the driver's words, and in those of the client programs.

The driver encrypts where a URL has any word of TLS, or fails. With `ssl_ca` (or `ssl_capath`) it also
proves the server's certificate, and its name unless `ssl_check_hostname` is false. What else people
write (`ssl`, `ssl_mode`, `ssl_verify_cert`, `ssl_verify_identity`) it takes for something else, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import URL

from pytest_visionforge.errors import PlanError

MODES = ("disabled", "preferred", "required", "verify_ca", "verify_identity")
_YES_OR_NO = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False}
# What each word asks for, where it says yes.
_SWITCHES = {
    "ssl": "required",
    "ssl_verify_cert": "verify_ca",
    "ssl_verify_identity": "verify_identity",
    "ssl_disabled": "disabled",
}
_FILES = ("ssl_ca", "ssl_capath", "ssl_cert", "ssl_key", "ssl_cipher")


def spelled(url: URL) -> URL:
    """The URL in the driver's words; PlanError where it asks for something that cannot be."""
    words = {name: name.lower().replace("-", "_") for name in url.query}
    foreign = {name: word for name, word in words.items() if word in (*_SWITCHES, "ssl_mode")}
    asked = [_asked(word, str(url.query[name])) for name, word in foreign.items()]
    known = url.difference_update_query(foreign)
    mode = "disabled" if "disabled" in asked else max(filter(None, asked), key=MODES.index, default="")
    if mode in ("", "preferred"):
        return known
    if mode == "disabled":
        return known.update_query_dict({"ssl_disabled": "true"})
    if mode != "required" and not _proves(known.query):
        raise PlanError(f"{mode} needs to know whose certificates to believe: add ssl_ca=/path/to/ca.pem")
    return known.update_query_dict({"ssl_check_hostname": str(mode == "verify_identity").lower()})


def _asked(word: str, value: str) -> str:
    """The mode that a word of the URL asks for; "" for none."""
    if word == "ssl_mode":
        if value.lower() not in MODES:
            raise PlanError(f"ssl_mode={value}: write one of {', '.join(MODES)}")
        return value.lower()
    if value.lower() not in _YES_OR_NO:
        raise PlanError(f"{word}={value}: write true or false")
    return _SWITCHES[word] if _YES_OR_NO[value.lower()] else ""


def _proves(query: Mapping[str, object]) -> bool:
    return "ssl_ca" in query or "ssl_capath" in query


def mode(url: URL) -> str:
    """What a URL in the driver's words asks for, one of `MODES`."""
    query = url.query
    if "ssl_disabled" in query:
        return "disabled"
    if not any(name.startswith("ssl_") for name in query):
        return "preferred"
    if not _proves(query):
        return "required"
    by_name = _YES_OR_NO.get(str(query.get("ssl_check_hostname", "true")).lower(), True)
    return "verify_identity" if by_name else "verify_ca"


def options(url: URL) -> dict[str, object]:
    """The same for an option file. MariaDB's programs and MySQL's each pass over the other's words ("loose")."""
    wanted = mode(spelled(url))
    found: dict[str, object] = {name.replace("_", "-"): url.query.get(name) for name in _FILES}
    found["loose-ssl-mode"] = wanted.upper()
    found["loose-skip-ssl" if wanted == "disabled" else "loose-ssl"] = ""
    proves = "" if wanted == "verify_identity" else "skip-"
    found[f"loose-{proves}ssl-verify-server-cert"] = ""
    return found
