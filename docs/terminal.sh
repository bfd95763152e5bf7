#!/usr/bin/env bash
# Draws text as a terminal shows it: docs/terminal.sh < output.txt > docs/terminal.svg
awk '
{ gsub(/&/, "\\&amp;"); gsub(/</, "\\&lt;"); gsub(/>/, "\\&gt;"); line[NR] = $0; if (length($0) > width) width = length($0) }
END {
    w = width * 7.25 + 32; h = NR * 17 + 46
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" role=\"img\" aria-label=\"Output of a terminal\">\n", w, h, w
    printf "<rect width=\"%.0f\" height=\"%.0f\" rx=\"8\" fill=\"#16191f\"/>\n", w, h
    for (i = 0; i < 3; i++) printf "<circle cx=\"%d\" cy=\"16\" r=\"5\" fill=\"#4a5160\"/>\n", 18 + 16 * i
    print "<g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace\" font-size=\"12\" fill=\"#d8dee9\">"
    for (i = 1; i <= NR; i++) {
        colour = line[i] ~ /^\$ / ? " fill=\"#a3be8c\"" : line[i] ~ /^Test accuracy/ ? " fill=\"#ebcb8b\"" : ""
        printf "<text x=\"16\" y=\"%d\" textLength=\"%.1f\" lengthAdjust=\"spacingAndGlyphs\"%s>%s</text>\n", 44 + 17 * (i - 1), length_of(line[i]) * 7.25, colour, unbroken(line[i])
    }
    print "</g>\n</svg>"
}
function length_of(text) { gsub(/&[a-z]+;/, "x", text); return length(text) }
function unbroken(text) { gsub(/ /, "\&#160;", text); return text }'
