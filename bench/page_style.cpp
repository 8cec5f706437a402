#include "bench/page_style.hpp"

namespace pixmill::bench {

const std::string_view kPageStyle = R"css(
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --soft: #57606a; --rule: #d0d7de; --panel: #f6f8fa;
  --warn: #8a3b00; --s0: #1f5fbf; --s1: #b54708; --s2: #1a7f37; --s3: #8250df; --s4: #a40e5b; --s5: #3d6b73; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #0f1318; --ink: #e6eaef; --soft: #a3adb8; --rule: #38414b; --panel: #181e25; --warn: #ffb77a;
    --s0: #6ea8fe; --s1: #ffa657; --s2: #56d364; --s3: #c297ff; --s4: #ff8fc7; --s5: #8cc5ce; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 72rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, "Liberation Sans", Arial, sans-serif; }
li { overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .75rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; border-top: 1px solid var(--rule); padding-top: 1rem; }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
.lead { font-size: 1.15rem; background: var(--panel); border-left: 4px solid var(--s0); padding: .75rem 1rem; margin: 0 0 1.25rem; }
.bad { border-left-color: var(--warn); color: var(--warn); }
.charts { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
figure { margin: 0; min-width: 0; max-width: 36rem; break-inside: avoid; }
figcaption, li, .note { color: var(--soft); font-size: .9rem; }
ul { padding-left: 1.2rem; margin: 0; }
svg { display: block; width: 100%; height: auto; font: 12px system-ui, "Liberation Sans", Arial, sans-serif; }
svg text { fill: var(--ink); }
svg .name { fill: var(--soft); }
svg .value { font-variant-numeric: tabular-nums; }
svg .axis { stroke: var(--soft); stroke-width: 1; }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .whisker { stroke: var(--ink); stroke-width: 1.5; }
svg .curve { fill: none; stroke-width: 2; }
svg .dashed { stroke-dasharray: 5 4; stroke-width: 1.5; }
svg .faint { stroke: var(--soft); }
svg .hollow { fill: var(--paper); }
svg .bar { stroke: none; }
svg .bar.light { fill-opacity: .5; }
svg .bar.waiting { fill: var(--rule); }
svg .bar.idle { fill: none; stroke: var(--rule); stroke-width: 1; }
svg .dot { fill-opacity: .55; stroke-width: 1; }
svg .dot.hollow { fill-opacity: 1; stroke-width: 1.5; }
.s0 { fill: var(--s0); stroke: var(--s0); } .s1 { fill: var(--s1); stroke: var(--s1); } .s2 { fill: var(--s2); stroke: var(--s2); }
.s3 { fill: var(--s3); stroke: var(--s3); } .s4 { fill: var(--s4); stroke: var(--s4); } .s5 { fill: var(--s5); stroke: var(--s5); }
svg .curve.s0, svg .curve.s1, svg .curve.s2, svg .curve.s3, svg .curve.s4, svg .curve.s5 { fill: none; }
.wide { overflow-x: auto; margin-top: 1rem; background-repeat: no-repeat; background-attachment: local, scroll;
  background-position: 100% 0; background-size: 3rem 100%, 1rem 100%; background-image:
  linear-gradient(to left, var(--paper) 30%, transparent), linear-gradient(to left, var(--rule), transparent); }
table { border-collapse: separate; border-spacing: 0; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: var(--paper); }
th.words, td.words { text-align: left; white-space: normal; min-width: 9rem; }
@media (max-width: 40rem) { th:first-child, td:first-child { white-space: normal; min-width: 8rem; max-width: 10rem; } }
@media print { .wide { background: none; } th:first-child, td:first-child { position: static; }
  td:first-child:not(.words) { white-space: nowrap !important; max-width: none; }
  body { max-width: none; padding: 0; font-size: 9.5pt; } .wide { overflow: visible; } tr, figure { break-inside: avoid; }
  th, td { padding: .15rem .35rem; white-space: normal; } h2 { break-after: avoid; } }
)css";

}  // namespace pixmill::bench
