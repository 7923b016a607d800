/// The page of a report, in Mustache's language.
///
/// Double braces escape their value; only pictures stand in three.
let pageTemplate = """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>{{title}}</title>
    <style>
    \(pageStyle)
    </style>
    </head>
    <body>
    <header>
    <h1>{{title}}</h1>
    {{#subtitle}}<p class="subtitle">{{.}}</p>{{/subtitle}}
    {{#contents}}<nav aria-label="Contents">{{#links}}<a href="#{{target}}">{{name}}</a>{{/links}}</nav>{{/contents}}
    </header>
    <main>
    {{#sections}}
    <section id="{{anchor}}">
    <h2>{{heading}}</h2>
    {{#content}}
    {{#paragraphs}}
    <p>{{.}}</p>
    {{/paragraphs}}
    {{#pairs}}
    <dl>
    {{#pair}}
    <dt>{{key}}</dt><dd>{{value}}</dd>
    {{/pair}}
    </dl>
    {{/pairs}}
    {{#table}}
    <div class="scroll">
    <table>
    {{#tableCaption}}<caption>{{.}}</caption>{{/tableCaption}}
    <thead>
    {{#groupRow}}
    <tr class="groups"><td></td>{{#groups}}<th scope="colgroup" colspan="{{span}}">{{name}}</th>{{/groups}}</tr>
    {{/groupRow}}
    <tr><th scope="col">{{rowTitle}}</th>{{#columns}}<th scope="col" class="{{kind}}">{{name}}</th>{{/columns}}</tr>
    </thead>
    <tbody>
    {{#rows}}
    <tr><th scope="row">{{label}}</th>{{#cells}}<td class="{{kind}}">{{value}}{{#detail}}<small>{{.}}</small>{{/detail}}</td>{{/cells}}</tr>
    {{/rows}}
    </tbody>
    </table>
    </div>
    {{#notes}}
    <p class="note">{{.}}</p>
    {{/notes}}
    {{/table}}
    {{#chart}}
    <figure class="wide"><div class="scroll">{{{picture}}}</div>{{#caption}}<figcaption>{{.}}</figcaption>{{/caption}}</figure>
    {{/chart}}
    {{#gallery}}
    <div class="gallery">
    {{#figures}}
    <figure>{{{picture}}}{{#caption}}<figcaption>{{.}}</figcaption>{{/caption}}</figure>
    {{/figures}}
    </div>
    {{/gallery}}
    {{/content}}
    </section>
    {{/sections}}
    </main>
    </body>
    </html>

    """

private let pageStyle = """
    :root {
      color-scheme: light;
      --text: #1f2328; --muted: #59636e; --rule: #d9dee3; --accent: #0b5c94; --ground: #f6f7f9;
    }
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; }
    body {
      margin: 0; background: var(--ground); color: var(--text);
      font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif;
    }
    header, main { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
    header { padding-top: 40px; padding-bottom: 8px; }
    h1 { margin: 0; font-size: 30px; line-height: 1.2; letter-spacing: -0.01em; }
    .subtitle { margin: 8px 0 0; color: var(--muted); font-size: 17px; max-width: 75ch; }
    nav { margin-top: 18px; display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: 14px; }
    nav a { color: var(--accent); text-decoration: none; }
    nav a:hover { text-decoration: underline; }
    section {
      background: #fff; border: 1px solid var(--rule); border-radius: 8px;
      padding: 22px 28px 26px; margin: 20px 0;
    }
    section > :last-child { margin-bottom: 0; }
    h2 { margin: 0 0 12px; font-size: 20px; line-height: 1.3; }
    p { margin: 0 0 12px; max-width: 75ch; overflow-wrap: anywhere; }
    .note { color: var(--muted); font-size: 14px; margin: 8px 0 0; }
    .note + .note { margin-top: 2px; }
    dl {
      display: grid; grid-template-columns: minmax(120px, max-content) 1fr; gap: 5px 24px;
      margin: 0 0 12px; font-size: 15px;
    }
    dt { color: var(--muted); }
    dd { margin: 0; overflow-wrap: anywhere; }
    .scroll { overflow-x: auto; }
    table {
      border-collapse: collapse; font-size: 15px; width: 100%;
      font-variant-numeric: tabular-nums;
    }
    caption { text-align: left; color: var(--muted); padding-bottom: 8px; }
    th, td { padding: 7px 12px; text-align: right; vertical-align: top; white-space: nowrap; }
    th:first-child, td:first-child { text-align: left; padding-left: 0; }
    th:last-child, td:last-child { padding-right: 4px; }
    thead th { font-weight: 600; color: var(--muted); font-size: 14px; }
    thead tr:last-child th { border-bottom: 2px solid var(--text); }
    .groups th {
      text-align: center; color: var(--text); padding-bottom: 2px; padding-left: 24px;
      white-space: normal; vertical-align: bottom;
    }
    .groups th[colspan="1"] { text-align: right; }
    .first { padding-left: 32px; }
    tbody th { font-weight: 400; white-space: normal; min-width: 150px; }
    tbody tr + tr > * { border-top: 1px solid var(--rule); }
    td small { display: block; color: var(--muted); font-size: 12.5px; font-weight: 400; }
    td.best { font-weight: 700; }
    figure { margin: 12px 0 0; min-width: 0; }
    figure + dl, .gallery + p { margin-top: 14px; }
    figure svg, figure img { display: block; max-width: 100%; height: auto; }
    .wide svg { width: 100%; max-width: 900px; }
    figcaption { color: var(--muted); font-size: 14px; margin-top: 6px; overflow-wrap: anywhere; }
    .gallery {
      display: grid; gap: 20px 28px; align-items: start;
      grid-template-columns: repeat(auto-fill, minmax(min(100%, 440px), 1fr));
    }
    @media (max-width: 640px) {
      body { font-size: 15px; }
      header, main { padding-left: 12px; padding-right: 12px; }
      header { padding-top: 24px; }
      h1 { font-size: 24px; }
      section { padding: 16px 14px 18px; }
      dl { grid-template-columns: 1fr; gap: 0; }
      dd { margin-bottom: 8px; }
      tbody th { min-width: 110px; }
      .first { padding-left: 20px; }
      .wide svg { width: 620px; max-width: none; }
    }
    @media print {
      body { background: #fff; font-size: 11pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
      header, main { max-width: none; padding-left: 0; padding-right: 0; }
      nav { display: none; }
      section { border: 0; padding: 0; margin: 24px 0; }
      h2 { break-after: avoid; }
      .scroll { overflow: visible; }
      table { font-size: 9pt; }
      th, td { padding: 4px 5px; }
      thead th { font-size: 8.5pt; white-space: normal; }
      tbody th { min-width: 0; }
      td small { font-size: 8pt; }
      .first { padding-left: 12px; }
      figure, tr { break-inside: avoid; }
      .gallery { grid-template-columns: 1fr 1fr; }
    }
    """
