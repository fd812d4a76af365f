"""The style that rendered text is drawn with: measure, tables, code colours. Light and dark come from `color-scheme`.

Everything hangs under the class `completion`, which the screen puts round a text; the text itself cannot set it.
"""

STYLE = """
.completion { font-size: 15px; line-height: 1.6; max-width: 75ch; overflow-wrap: anywhere; }
.completion :is(h1, h2, h3, h4, h5, h6) { font-size: 1.05em; font-weight: 650; line-height: 1.4; margin: 1em 0 0.4em; padding: 0; letter-spacing: normal; }
.completion :is(h1, h2) { font-size: 1.15em; }
.completion :is(p, ul, ol, blockquote, pre, table) { margin: 0 0 0.7em; }
.completion.prompt { background: #8b93a31a; border-radius: 6px; box-sizing: border-box; max-width: none; min-height: 112px; max-height: 40vh; overflow: auto; padding: 0.6em 0.9em; }
.completion.prompt > * { max-width: 90ch; }
.completion > :first-child { margin-top: 0; }
.completion li { margin: 0.15em 0; }
.completion blockquote { border-inline-start: 3px solid #8b93a366; padding-inline-start: 0.9em; }
.completion pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.completion pre.plain { font: inherit; background: none; padding: 0; }
.completion pre.source, .completion code { font-family: "Source Code Pro", ui-monospace, monospace; font-size: 0.88em; tab-size: 4; }
.completion pre.source { background: #8b93a31a; border-radius: 6px; padding: 0.7em 0.9em; }
.completion pre.source code { background: none; padding: 0; font-size: 1em; color: inherit; }
.completion :not(pre) > code { background: #8b93a326; border-radius: 4px; padding: 0.1em 0.3em; color: inherit; }
.completion .language, .completion .role { font-size: 12px; opacity: 0.75; }
.completion .role { font-weight: 600; margin: 0 0 0.2em; }
.completion .turn + .turn { border-top: 1px solid #8b93a340; margin-top: 0.7em; padding-top: 0.6em; }
.completion .address { font-size: 0.85em; opacity: 0.75; }
.completion table { border-collapse: collapse; display: block; overflow-x: auto; max-width: 100%; }
.completion :is(td, th) { border: 1px solid #8b93a366; padding: 0.25em 0.6em; }
.completion :is(td, th):not([align]) { text-align: start; }
.completion .maths.display { display: block; overflow-x: auto; padding: 0.2em 0; }
.completion math { font-size: 1.08em; }
.completion :is(.k, .kc, .kd, .kn, .kp, .kr, .ow, .kt, .nt) { color: light-dark(#6b3fa0, #c9b3f5); }
.completion :is(.s, .s1, .s2, .sa, .sb, .sc, .sd, .se, .sh, .si, .sr, .ss, .sx, .gi) { color: light-dark(#0b665b, #74d9c6); }
.completion :is(.m, .mb, .mf, .mh, .mi, .mo, .il) { color: light-dark(#93500a, #f3b778); }
.completion :is(.c, .c1, .ch, .cm, .cp, .cpf, .cs, .gh, .gu) { color: light-dark(#5b6472, #aab1be); }
.completion :is(.nf, .fm, .nc, .nb, .bp, .na) { color: light-dark(#3049b5, #a5b4ff); }
.completion .gd { color: light-dark(#a61e4d, #f9a8c4); }
"""
