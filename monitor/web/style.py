"""How the status page looks, and the headers that let a browser run nothing but this."""

import base64
import hashlib
from typing import Final

CSS: Final = """
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#171b21;--soft:#5b6573;--line:#e1e5ea;
--track:#e9ecf0;--ok:#1a7f4b;--ok-tint:#e6f4ec;--low:#946200;--low-tint:#fdf3dc;--alarm:#c2262d;
--alarm-tint:#fdeaea;--none:#66707d;--none-tint:#edf0f3;--bar:#5d7fb8}
@media (prefers-color-scheme:dark){:root{--page:#0f1216;--card:#171b21;--ink:#e7eaee;--soft:#98a2b0;
--line:#2a3038;--track:#262c34;--ok:#52c48a;--ok-tint:#13291f;--low:#e3b341;--low-tint:#2d2512;
--alarm:#ff7b76;--alarm-tint:#351a1b;--none:#9aa4b1;--none-tint:#232931;--bar:#7f9fd6}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
a{color:inherit;text-decoration-color:var(--line);text-underline-offset:3px}
a:hover{text-decoration-color:currentColor}
header,main,footer{max-width:1080px;margin:0 auto;padding:0 20px}
header{display:flex;flex-wrap:wrap;gap:6px 16px;align-items:baseline;padding-top:22px;padding-bottom:14px}
h1{font-size:22px;letter-spacing:-.02em;margin:0}
h2{font-size:18px;letter-spacing:-.01em;margin:0;overflow-wrap:anywhere}
h3{font-size:13px;font-weight:600;color:var(--soft);margin:22px 0 6px}
.soft{color:var(--soft)}.push{margin-left:auto}.small{font-size:13px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:18px 20px;
margin:0 0 18px}
.title{display:flex;flex-wrap:wrap;gap:4px 12px;align-items:center}
.note{border-left:4px solid var(--low);background:var(--low-tint)}
.chip{display:inline-block;border-radius:99px;padding:1px 10px;font-size:13px;font-weight:600;
white-space:nowrap}
.chip::before{margin-right:6px;font-size:11px}
.ok{color:var(--ok);background:var(--ok-tint)}.ok::before{content:"\\25CF"}
.low{color:var(--low);background:var(--low-tint)}.low::before{content:"\\25C6"}
.alarm{color:var(--alarm);background:var(--alarm-tint)}.alarm::before{content:"\\25B2"}
.none{color:var(--none);background:var(--none-tint)}.none::before{content:"\\25CB"}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px 20px;margin:14px 0 0}
dt{font-size:12px;color:var(--soft)}
dd{margin:0;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.kinds{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:10px;margin:16px 0 0;
padding:0;list-style:none}
.kinds li{border:1px solid var(--line);border-left:4px solid var(--none);border-radius:8px;padding:10px 12px}
.kinds li.is-ok{border-left-color:var(--ok)}.kinds li.is-low{border-left-color:var(--low)}
.kinds li.is-alarm{border-left-color:var(--alarm)}
.kinds p{margin:6px 0 0;font-size:13px;overflow-wrap:anywhere}
.kind{display:flex;gap:8px;align-items:baseline}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;padding:6px 14px 6px 0;border-bottom:1px solid var(--line);vertical-align:middle}
th:last-child,td:last-child{padding-right:0}
tr:last-child td{border-bottom:0}
th{font-size:12px;font-weight:500;color:var(--soft);white-space:nowrap}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.name{min-width:88px;max-width:280px;overflow-wrap:anywhere;font-weight:500}
.token{font:12.5px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.nowrap{white-space:nowrap}
time{white-space:nowrap}
svg{display:block;width:100%;min-width:72px;max-width:140px;height:16px}
table.fit{width:auto}.fit th,.fit td{padding-right:40px}
.track{fill:var(--track)}.fill{fill:var(--bar)}.over{fill:var(--alarm)}.near{fill:var(--low)}.mark{fill:var(--ink)}
.range{fill:var(--bar);opacity:.45}.point{fill:var(--bar)}
footer{padding-bottom:30px;color:var(--soft);font-size:13px}
@media (max-width:640px){header,main,footer{padding-left:12px;padding-right:12px}
.card{padding:14px;border-radius:8px}.kinds{grid-template-columns:1fr}dl{grid-template-columns:1fr 1fr}
th,td{padding-right:10px}.wide{display:none}header .push{margin-left:0}}
@media print{body{background:#fff}.card{break-inside:avoid}}
"""

_DIGEST: Final = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
