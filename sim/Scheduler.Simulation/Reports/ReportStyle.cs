namespace Scheduler.Simulation.Reports;

/// <summary>
/// How the report looks. Colours are those of Okabe and Ito, which people with any kind of colour blindness can tell apart, made a little
/// lighter in the dark. Nothing is loaded from anywhere.
/// </summary>
internal static class ReportStyle
{
    public const string Css = """
        :root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b1f24;--mute:#57606a;--grid:#e3e6ea;--track:#eef0f3;--line:#c9ced5;
        --c0:#0072b2;--c1:#e69f00;--c2:#009e73;--c3:#cc79a7;--c4:#56b4e9;--c5:#d55e00;--c6:#b3a600;--c7:#8c939c;--bar:#8fa3b8;--first:#0072b2}
        @media (prefers-color-scheme:dark){:root{--bg:#0f1318;--card:#181d24;--ink:#e8ebef;--mute:#a2abb6;--grid:#2b323b;--track:#252c35;--line:#4a535e;
        --c0:#3d9be0;--c1:#f0b232;--c2:#22b98e;--c3:#dd94bd;--c4:#a5d8f6;--c5:#f0803c;--c6:#e2d64a;--c7:#8c939c;--bar:#66788c;--first:#3d9be0}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
        main{max-width:1120px;margin:0 auto;padding:20px 16px 48px}
        h1{font-size:1.7rem;line-height:1.2;margin:8px 0 4px;overflow-wrap:anywhere}
        h2{font-size:1.25rem;line-height:1.3;margin:36px 0 10px;overflow-wrap:anywhere}
        h3{font-size:1rem;margin:0 0 2px;overflow-wrap:anywhere}
        p{margin:6px 0;overflow-wrap:anywhere}
        .mute,figcaption{color:var(--mute);font-size:.875rem}
        .card,figure{background:var(--card);border:1px solid var(--grid);border-radius:8px;padding:14px;margin:0 0 14px;min-width:0}
        .verdict li{margin:6px 0;overflow-wrap:anywhere}.verdict ul{margin:4px 0;padding-left:20px}
        .cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(300px,100%),1fr));gap:14px;margin-bottom:14px}
        .cards>*{margin:0}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:10px;margin:14px 0}
        .tile{background:var(--card);border:1px solid var(--grid);border-radius:8px;padding:10px 12px}
        .tile b{display:block;font-size:1.35rem;line-height:1.25}
        .tile span{color:var(--mute);font-size:.8125rem;line-height:1.3;display:block}
        .legend{display:flex;flex-wrap:wrap;gap:4px 16px;list-style:none;margin:6px 0;padding:0;font-size:.875rem}
        .legend li{display:flex;align-items:center;gap:6px;overflow-wrap:anywhere}
        .legend svg{width:18px;height:14px;flex:none;margin:0}
        details{margin:0 0 14px}summary{cursor:pointer;font-size:1.25rem;font-weight:600;margin:28px 0 10px;overflow-wrap:anywhere}
        svg{display:block;width:100%;height:auto;max-width:520px;margin:6px auto 0;overflow:visible}
        svg.wide{display:none;max-width:none}
        @media (min-width:700px){svg.wide{display:block}svg.narrow{display:none}}
        svg text{font-size:12px;fill:var(--ink)}svg text.m{fill:var(--mute)}svg text.b{font-weight:600}
        svg .middle{text-anchor:middle}svg .end{text-anchor:end}
        line.grid{stroke:var(--grid)}.ax{stroke:var(--line)}
        .a{stroke:none;fill-opacity:.88}
        .c0{fill:var(--c0);stroke:var(--c0)}.c1{fill:var(--c1);stroke:var(--c1)}.c2{fill:var(--c2);stroke:var(--c2)}.c3{fill:var(--c3);stroke:var(--c3)}
        .c4{fill:var(--c4);stroke:var(--c4)}.c5{fill:var(--c5);stroke:var(--c5)}.c6{fill:var(--c6);stroke:var(--c6)}.c7{fill:var(--c7);stroke:var(--c7)}
        .a.c0,.a.c1,.a.c2,.a.c3,.a.c4,.a.c5,.a.c6,.a.c7{stroke:none}
        .l-total{fill:none;stroke:var(--ink);stroke-width:1.2}.l-guarantee{fill:none;stroke:var(--ink);stroke-width:1.8}
        .l-limit{fill:none;stroke:var(--mute);stroke-width:1.4;stroke-dasharray:5 4}
        .span{stroke-width:3;stroke-opacity:.55}.dot{stroke:var(--card);stroke-width:1.2}.mark{fill:var(--ink)}
        .cut{fill:none;stroke:var(--ink);stroke-width:1.7}
        .cut.fault{fill:var(--card);stroke:var(--ink)}
        .track{fill:var(--track)}.bar{fill:var(--bar)}.bar.first{fill:var(--first)}.bar.mean{fill:var(--ink)}
        .scroll{overflow-x:auto;margin:0 0 14px;background:var(--card);border:1px solid var(--grid);border-radius:8px}
        table{border-collapse:collapse;width:100%;font-size:.8125rem;font-variant-numeric:tabular-nums}
        th,td{padding:7px 8px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--grid)}
        thead th{white-space:normal;vertical-align:bottom;font-weight:600;color:var(--mute);min-width:48px}
        th:first-child{text-align:left;position:sticky;left:0;background:var(--card);min-width:96px;max-width:45vw;white-space:normal;overflow-wrap:break-word;padding-left:14px}
        tbody tr:last-child th,tbody tr:last-child td{border-bottom:0}
        dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 14px;margin:0;font-size:.9375rem}dt{color:var(--mute)}dd{margin:0;overflow-wrap:anywhere}
        @media print{.card,figure,.tile,.scroll{break-inside:avoid}}
        """;
}
