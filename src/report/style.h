#pragma once
// How a report looks: on light and dark screens and on paper. Series are told apart by Okabe and
// Ito's colours, which colour-blind people can tell apart, and by dashes.
namespace molrt::report {

inline constexpr const char* style_sheet = R"css(
:root { color-scheme: light dark; --ground: #fff; --ink: #1a1a1a; --soft: #5c6470; --line: #d5d9df;
  --panel: #f6f7f9; --blue: #0072b2; --red: #d55e00; --green: #007a5a; --warn: #fff4e0;
  --edge: #e69f00; }
@media (prefers-color-scheme: dark) { :root { --ground: #15181c; --ink: #e8eaed; --soft: #a0a8b3;
  --line: #3a414a; --panel: #1e2329; --blue: #56b4e9; --red: #f58a4b; --green: #3fc79a;
  --warn: #33291a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line);
  overflow-wrap: anywhere; }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .5rem; }
h4 { font-size: .95rem; margin: 0 0 .25rem; }
p { margin: .4rem 0; max-width: 48rem; }
.note, figcaption { color: var(--soft); font-size: .875rem; }
.verdict { border-left: .35rem solid var(--blue); background: var(--panel); padding: .6rem 1rem;
  margin: .75rem 0; border-radius: 0 .4rem .4rem 0; overflow-wrap: anywhere; }
.verdict.poor { border-color: var(--red); }
.warnings { border-left: .35rem solid var(--edge); background: var(--warn); padding: .5rem 1rem;
  margin: .75rem 0; border-radius: 0 .4rem .4rem 0; }
.warnings ul { margin: .2rem 0; padding-left: 1.2rem; }
.warnings li { overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; margin: .4rem 0; }
th, td { padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { font-weight: 600; }
thead th { color: var(--soft); font-weight: 500; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap;
  padding-left: .75rem; }
.facts th { white-space: nowrap; font-weight: 500; color: var(--soft); padding-right: 1.5rem; }
.set { font-weight: 600; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr));
  gap: 1.25rem 2rem; margin: 1rem 0; }
figure { margin: 0; break-inside: avoid; }
svg.chart { display: block; width: 100%; height: auto; max-width: 34rem; }
.chart text { font-size: 13px; fill: var(--soft); font-family: inherit; }
.chart .label { fill: var(--ink); }
.chart .axis { stroke: var(--soft); stroke-width: 1; fill: none; }
.chart .grid { stroke: var(--line); stroke-width: 1; fill: none; }
.chart .ideal { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 2 3; fill: none; }
.chart .blue, .chart .red, .chart .green { fill: none; stroke-width: 2; stroke-linejoin: round; }
.chart .blue { stroke: var(--blue); }
.chart .red { stroke: var(--red); stroke-dasharray: 7 3; }
.chart .green { stroke: var(--green); stroke-dasharray: 2 2; }
.chart .faint { stroke-width: 1.25; opacity: .65; }
.chart .dots { fill: var(--blue); fill-opacity: .45; stroke: none; }
.chart .dots :hover { fill: var(--red); fill-opacity: 1; }
.chart .marks { fill: var(--blue); stroke: var(--ground); stroke-width: 1; }
.chart .bars { fill: var(--blue); fill-opacity: .75; stroke: var(--ground); stroke-width: 1; }
.chart .cell { fill: var(--blue); }
.molecules { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1rem;
  margin: .75rem 0; }
.molecule { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .75rem; font-size: .85rem;
  break-inside: avoid; }
.molecule svg { display: block; margin: 0 auto; max-width: 100%; height: auto; }
.molecule p { margin: .15rem 0; }
.molecule code, td code { font-size: .8rem; overflow-wrap: anywhere; }
.molecule .nothing { height: 150px; display: flex; align-items: center; justify-content: center;
  color: var(--soft); text-align: center; }
details { margin: .5rem 0; }
summary { cursor: pointer; font-weight: 500; }
footer { margin-top: 3rem; color: var(--soft); font-size: .85rem; }
@media print { body { font-size: 11pt; } main { max-width: none; padding: 0; }
  :root { --ground: #fff; --ink: #000; --soft: #444; --line: #bbb; --panel: #f4f4f4; --warn: #f8f0e0;
    --blue: #0072b2; --red: #d55e00; --green: #007a5a; }
  .molecules { grid-template-columns: repeat(3, 1fr); }
  .figures { grid-template-columns: repeat(2, 1fr); } }
)css";

}  // namespace molrt::report
