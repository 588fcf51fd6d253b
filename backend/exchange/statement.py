"""The short readable statement that goes with a proof: plain text, and a page that asks no other host for anything."""

from collections.abc import Iterable
from html import escape
from textwrap import wrap
from typing import Final

from backend.sheet import Row, Section, Sheet

WIDTH: Final = 92
_LABEL: Final = 26

VERIFY: Final = """\
How to verify this without us
-----------------------------
Each file X.json beside an X.jws is a payload, byte for byte as it was signed, and its detached signature (JWS compact,
RFC 7515 appendix F, alg Ed25519, RFC 9864). Take the key named by the signature's kid from jwks.json; any JOSE library
that knows Ed25519 verifies it. In Python, with joserfc or jwcrypto:

    import json, joserfc.jwk, joserfc.jws, jwcrypto.jwk, jwcrypto.jws
    from pathlib import Path
    signature = Path("events/01-job.opened.jws").read_text()
    payload = Path("events/01-job.opened.json").read_bytes()
    keys = Path("jwks.json").read_text()

    known = joserfc.jwk.KeySet.import_key_set(json.loads(keys))
    joserfc.jws.deserialize_compact(signature, known, algorithms=["Ed25519"], payload=payload)

    token = jwcrypto.jws.JWS()
    token.allowed_algs = ["Ed25519"]
    token.deserialize(signature)
    token.verify(jwcrypto.jwk.JWKSet.from_json(keys), detached_payload=payload)

manifest.json, signed by the office, lists every other file with its SHA-256, so none can be changed, added or left out.
What is said here follows from the files: an answer names the offer by the SHA-256 of its bytes (base64url), and the
first event of each log (log.opened) names the key that may write it. A receipt is the office's word that it holds all
of a log up to an event: its head is SHA-256(chain value before, as manifest.json gives it, then the event's digest).
An event without a signature of its own is vouched for by its batch: the header is signed, and the digests that
manifest.json lists for it lead from the header's base to its head in the same way.
Of an event whose words were taken out, what is left stands in its file, and the event that manifest.json names as
"redacted" is the office's signed word for it; the bytes are gone, so no signature over them can be shown any more.
Compare the office's key with the one you know from elsewhere: who makes up a folder makes up its keys as well.
With this product: handover verify proof FOLDER
"""


def as_text(sheet: Sheet, keys: Iterable[str]) -> str:
    """The statement as plain text; `keys` say whose keys they are, one a line."""
    lines = [sheet.title, "=" * len(sheet.title), "", sheet.outcome_words, "", *wrap(sheet.says, WIDTH), ""]
    for section in sheet.sections:
        lines += [section.heading, "-" * len(section.heading), *_section(section), ""]
    lines += [*wrap(sheet.footer, WIDTH), "", *keys, "", VERIFY]
    return "\n".join(lines)


def _section(section: Section) -> Iterable[str]:
    for row in section.rows:
        yield from _row(row)
    if section.table is not None:
        for cells in section.table.rows:
            yield "; ".join(f"{head} {cell}" for head, cell in zip(section.table.head, cells, strict=True) if cell)


def _row(row: Row) -> Iterable[str]:
    label = f"{row.label}:" if row.label else ""
    if len(label) >= _LABEL:
        yield label
        label = ""
    for text in row.texts or ("",):
        parts = [text] if row.is_code else wrap(text, WIDTH - _LABEL) or [""]
        for part in parts:
            yield f"{label:<{_LABEL}}{part}".rstrip()
            label = ""


def as_page(sheet: Sheet, keys: Iterable[str]) -> str:
    """The same as a page: no script, no style from elsewhere, nothing fetched."""
    words = sheet.words
    direction = "rtl" if words.is_rtl else "ltr"
    parts = [
        f'<!doctype html>\n<html lang="{words.language}" dir="{direction}">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(sheet.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>",
        f"<h1>{escape(sheet.title)}</h1>\n<p><strong>{escape(sheet.outcome_words)}</strong></p>",
        f"<p>{escape(sheet.says)}</p>",
    ]
    for section in sheet.sections:
        parts.append(f"<h2>{escape(section.heading)}</h2>")
        if section.rows:
            parts.append("<dl>" + "".join(_definition(row) for row in section.rows) + "</dl>")
        if section.table is not None:
            head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in section.table.head)
            rows = ("".join(f'<td dir="auto">{escape(cell)}</td>' for cell in cells) for cells in section.table.rows)
            parts.append(f"<table><tr>{head}</tr>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>")
    parts.append(f"<p>{escape(sheet.footer)}</p>")
    parts.append(f'<pre lang="en" dir="ltr">{escape(chr(10).join(keys))}\n\n{escape(VERIFY)}</pre>')
    parts.append("</main>\n</body>\n</html>\n")
    return "\n".join(parts)


def _definition(row: Row) -> str:
    tag = "code" if row.is_code else "span"
    side = "ltr" if row.is_code else "auto"
    said = "<br>".join(f'<{tag} dir="{side}">{escape(text)}</{tag}>' for text in row.texts)
    return f"<dt>{escape(row.label)}</dt><dd>{said}</dd>"


_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#1a1a1a;background:#fff}"
    "main{max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "dl{display:grid;grid-template-columns:minmax(9rem,1fr) 3fr;gap:.3rem 1rem}dt{color:#555}dd{margin:0}"
    "code,pre{font-size:.85em;overflow-wrap:anywhere;white-space:pre-wrap}"
    "table{border-collapse:collapse}th,td{text-align:start;padding:.2rem 1rem .2rem 0}"
)
