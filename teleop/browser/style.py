"""How the page looks: the colours of the window, light or dark as the reader's system is, and fit to print."""

from __future__ import annotations

from recordings.schema import Driver, Outcome
from teleop.preferences.palettes import STANDARD, Rgb

_OUTCOMES = {
    Outcome.SUCCESS: STANDARD.success,
    Outcome.FAILURE: STANDARD.failure,
    Outcome.UNKNOWN: (150, 156, 167),
    Outcome.RUNNING: (190, 195, 204),
}
_SERIES = ("#2f7fbd", "#d98200", "#0a9d74", "#b8559a", "#7a8391", "#c8b400")
"""Of lines that mean neither a driver nor an outcome."""


def css() -> str:
    """The whole style sheet."""
    named = {each.name.lower(): STANDARD.drivers[each] for each in Driver}
    named |= {each.name.lower(): colour for each, colour in _OUTCOMES.items()}
    colours = [f"--{name}:{_hex(colour)}" for name, colour in named.items()]
    colours += [f"--series{place}:{colour}" for place, colour in enumerate(_SERIES)]
    return f":root{{{';'.join(colours)}}}" + _SHEET


def _hex(colour: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


_SHEET = """
:root{color-scheme:light dark;--page:#f3f4f7;--card:#fff;--edge:#e1e4ea;--ink:#1d2129;--quiet:#5d6573;--accent:#2f7fbd}
@media(prefers-color-scheme:dark){:root{--page:#15171c;--card:#1f2229;--edge:#343945;--ink:#eaecf0;--quiet:#a3a9b4;
--accent:#56b4e9;--series0:#56b4e9;--series1:#e69f00;--series2:#00b282;--series3:#d688b4;--series4:#a3a9b4}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
main{max-width:1180px;margin:0 auto;padding:36px 24px 48px}
header{margin-bottom:26px}
h1{font-size:29px;line-height:1.2;margin:4px 0 6px;letter-spacing:-.01em}
h2{font-size:16px;margin:0}
.recording>h2{font-size:22px;margin:44px 0 14px}
.brand{font-size:12.5px;font-weight:600;letter-spacing:.09em;text-transform:uppercase;color:var(--accent)}
.quiet,.note{color:var(--quiet)}
.note{font-size:13px;margin:2px 0 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(158px,1fr));gap:12px;margin-bottom:12px}
.cards{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:12px;
grid-auto-flow:row dense}
.tile,.card{background:var(--card);border:1px solid var(--edge);border-radius:10px}
.tile{padding:13px 16px}
.card{padding:16px 18px}
.wide{grid-column:1/-1}
.tile .value{font-size:25px;font-weight:650;line-height:1.25;letter-spacing:-.01em}
.tile .label{font-size:13px;color:var(--quiet)}
.tile .more{font-size:12.5px;color:var(--quiet);margin-top:1px}
svg{display:block;width:100%;height:auto;margin-top:8px}
svg text{font-size:12px;fill:var(--quiet)}
svg .grid{stroke:var(--edge);stroke-width:1}
svg .base{stroke:var(--quiet);stroke-width:1}
svg .line{fill:none;stroke:var(--accent);stroke-width:2;stroke-linejoin:round}
svg.bar{height:9px;min-width:90px;margin:7px 0 0;border-radius:4px;background:var(--edge)}
.key{display:flex;flex-wrap:wrap;gap:2px 16px;font-size:13px;color:var(--quiet);margin-top:4px}
.key i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:6px}
.scroll{overflow-x:auto;margin-top:8px}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th{font-weight:600;color:var(--quiet);text-align:left;white-space:nowrap}
th,td{padding:5px 14px 5px 0;border-bottom:1px solid var(--edge);vertical-align:top}
td.n,th.n{text-align:right;white-space:nowrap}
td:first-child{max-width:330px}
tr:last-child td{border-bottom:0}
tr.rest td{color:var(--quiet);font-style:italic}
tr.out td{color:var(--quiet);text-decoration:line-through}
details{margin-top:4px}
summary{cursor:pointer;font-weight:600}
footer{margin-top:30px;font-size:12.5px;color:var(--quiet)}
@media(max-width:820px){.cards{grid-template-columns:minmax(0,1fr)}main{padding:20px 12px}}
@media print{body{background:#fff}.card,.tile{break-inside:avoid}main{max-width:none;padding:0}}
"""
