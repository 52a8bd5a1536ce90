//! The picture for the README: of each table that has words for it a bar for each row, as long as its median compared with the
//! longest of its table. It names no font, no script and nothing outside of itself, and has a ground of its own, so that it
//! looks the same wherever it is shown.

use crate::table::{Table, Unit};
use std::fmt::Write;

/// Sizes in the picture's own units.
const WIDTH: u32 = 880;
const MARGIN: u32 = 24;
/// Between the lines of two rows, and above each table's.
const LINE: u32 = 24;
const APART: u32 = 46;
/// Where bars begin, how long the longest is, and how high they are.
const BARS: u32 = 300;
const LONGEST: u32 = 410;
const HIGH: u32 = 15;

/// Colours: of letters, and of those that matter less; of bars that are ironcell's, the floor's, and all others'.
const LETTERS: &str = "#1f2328";
const QUIET: &str = "#59636e";
const OURS: &str = "#2563eb";
const FLOOR: &str = "#475569";
const OTHERS: &str = "#b6bec9";

/// The whole picture, SVG 1.1; none if there is nothing to show. `line` says when and where it was measured.
pub fn of(line: &str, tables: &[Table]) -> Option<String> {
    let shown: Vec<(&Table, &str)> = tables.iter().filter_map(|table| Some((table, table.caption?))).collect();
    if shown.is_empty() {
        return None;
    }
    let (mut inside, mut y) = (String::new(), 40);
    text(&mut inside, (MARGIN, y), (20, LETTERS, true), "What a cell costs");
    y += LINE;
    text(&mut inside, (MARGIN, y), (12, QUIET, false), &format!("{line}; the shorter the bar, the better"));
    for (table, caption) in shown {
        y += APART;
        draw(&mut inside, table, caption, &mut y);
    }
    let height = y + LINE;
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         role=\"img\" font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\">\n\
         <title>What a cell costs</title>\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"#fff\" stroke=\"#d1d9e0\"/>\n{inside}</svg>\n",
        WIDTH - 1,
        height - 1
    ))
}

/// One table; `y` is the line of its words, and then that of its last row.
fn draw(svg: &mut String, table: &Table, caption: &str, y: &mut u32) {
    let medians: Vec<(f64, f64)> = (0..table.rows.len()).map(|row| table.median(row)).collect();
    let longest = medians.iter().map(|(median, _)| *median).fold(f64::MIN_POSITIVE, f64::max);
    let (unit, of) = (words(table.unit), table.against.replace('`', ""));
    // Writing into a string cannot fail. How wide letters are, only who shows it knows: so what follows the caption is of the same text.
    let _ = writeln!(
        svg,
        "<text x=\"{MARGIN}\" y=\"{y}\" font-size=\"14\" font-weight=\"600\" fill=\"{LETTERS}\">{}<tspan dx=\"10\" font-size=\"12\" \
         font-weight=\"400\" fill=\"{QUIET}\">{unit}, and multiples of: {}</tspan></text>",
        escaped(caption),
        escaped(&of)
    );
    for (row, (median, ratio)) in table.rows.iter().zip(medians) {
        *y += LINE;
        let length = (f64::from(LONGEST) * median / longest).max(1.0).round() as u32;
        text(svg, (MARGIN, *y), (13, LETTERS, false), &row.name.replace('`', ""));
        let (top, colour) = (*y - 12, colour(&row.name));
        let _ = writeln!(
            svg,
            "<rect x=\"{BARS}\" y=\"{top}\" width=\"{length}\" height=\"{HIGH}\" rx=\"2\" fill=\"{colour}\"/>"
        );
        let said = format!("{}  ·  {ratio:.2} ×", table.unit.shown(median));
        text(svg, (BARS + length + 8, *y), (12, QUIET, false), &said);
    }
}

/// In full, where nobody looks for it in a table's head.
fn words(unit: Unit) -> &'static str {
    match unit {
        Unit::Micros => "microseconds",
        Unit::Rate(what) => what,
    }
}

fn colour(name: &str) -> &'static str {
    if name.contains("ironcell") || name.contains("cell,") {
        OURS
    } else if name.contains("floor") {
        FLOOR
    } else {
        OTHERS
    }
}

/// A line of text: where it stands, its size, colour and whether it is bold.
fn text(svg: &mut String, (x, y): (u32, u32), (size, colour, bold): (u32, &str, bool), words: &str) {
    let weight = if bold { " font-weight=\"600\"" } else { "" };
    let words = escaped(words);
    let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{colour}\"{weight}>{words}</text>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
