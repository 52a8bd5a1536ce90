//! The tables as one picture: a bar for each row, as long as its median compared with the longest of its table.

use crate::table::{Table, Unit};
use std::fmt::Write;

/// Sizes in the picture's own units.
const WIDTH: u32 = 900;
const LINE: u32 = 24;
const NAMES: u32 = 380;
const NUMBERS: u32 = 110;

/// The whole picture, SVG 1.1.
pub fn of(tables: &[Table]) -> String {
    let lines: usize = tables.iter().map(|table| table.rows.len() + 2).sum();
    let height = LINE * (lines as u32 + 1);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let mut y = LINE;
    for table in tables {
        draw(&mut svg, table, &mut y);
    }
    svg + "</svg>\n"
}

fn draw(svg: &mut String, table: &Table, y: &mut u32) {
    let better = if table.unit == Unit::Micros { "less is better" } else { "more is better" };
    let title = format!("{}: {}, median ({better})", table.title, table.unit.words());
    // Writing into a string cannot fail.
    let _ = writeln!(svg, "<text x=\"10\" y=\"{y}\" font-weight=\"bold\">{}</text>", escaped(&title));
    let longest = table.rows.iter().map(|row| row.percentile(50)).fold(f64::MIN_POSITIVE, f64::max);
    for row in &table.rows {
        *y += LINE;
        let median = row.percentile(50);
        let length = f64::from(WIDTH - NAMES - NUMBERS) * median / longest;
        let colour = if row.name.contains("ironcell") || row.name.contains("cell,") { "#2563eb" } else { "#9ca3af" };
        let name = escaped(&row.name.replace('`', ""));
        let shown = if median < 100.0 { format!("{median:.2}") } else { format!("{median:.0}") };
        let _ = writeln!(
            svg,
            "<text x=\"20\" y=\"{y}\">{name}</text><rect x=\"{NAMES}\" y=\"{}\" width=\"{length:.0}\" height=\"14\" \
             fill=\"{colour}\"/><text x=\"{:.0}\" y=\"{y}\">{shown}</text>",
            *y - 12,
            f64::from(NAMES) + length + 6.0,
        );
    }
    *y += 2 * LINE;
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
