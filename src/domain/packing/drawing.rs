//! A packed carton as a picture for whoever packs it: seen from above, from the front and from the side, pieces numbered
//! in the order in which they go in.
//!
//! SVG, without fonts, scripts or anything outside; text is escaped. What is *not* here: labels and papers.

use std::fmt::Write;

use super::piece::{Carton, Placement};

/// Points of the longest side of one view.
const VIEW: u32 = 220;
/// Points between views and around them.
const GAP: u32 = 24;
/// Points of a line of the legend.
const LINE: u32 = 15;
/// Colours, in turn; light enough for black numbers.
const COLOURS: [&str; 8] = ["#cfe8ff", "#ffe3b3", "#d8f5d0", "#f7d0dd", "#e4d7ff", "#fff3a8", "#c9f0ee", "#e8e0d5"];

/// One view: which axes go right and up, which comes nearer, and what it is called.
struct View {
    right: usize,
    up: usize,
    near: usize,
    name: &'static str,
}

const VIEWS: [View; 3] = [
    View { right: 0, up: 1, near: 2, name: "from above" },
    View { right: 0, up: 2, near: 1, name: "from the front" },
    View { right: 1, up: 2, near: 0, name: "from the side" },
];

/// The drawing of one carton; `names` are what its pieces are called, by their place in the list that was given.
pub fn drawing(carton: &Carton, placements: &[Placement], name: impl Fn(u16) -> String) -> String {
    let longest = carton.inner.into_iter().max().unwrap_or(1).max(1);
    let points = |mm: u32| u64::from(mm) * u64::from(VIEW) / u64::from(longest);
    let (width, top) = (u64::from(4 * GAP + 3 * VIEW), u64::from(VIEW + 3 * GAP));
    let height = top + u64::from(LINE) * (placements.len() as u64 + 1);
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif" font-size="11">"#
    );
    for (number, view) in VIEWS.iter().enumerate() {
        let left = u64::from(GAP) + number as u64 * u64::from(GAP + VIEW);
        let floor = u64::from(2 * GAP) + points(carton.inner[view.up]);
        text(&mut svg, left, u64::from(GAP), view.name);
        let frame = (left, u64::from(2 * GAP), points(carton.inner[view.right]), points(carton.inner[view.up]));
        rectangle(&mut svg, frame, "none", 2);
        for (place, placement) in nearest_last(placements, view) {
            let (at, size) = (placement.at, placement.size);
            let (wide, high) = (points(size[view.right]), points(size[view.up]));
            let corner = (left + points(at[view.right]), floor - points(at[view.up] + size[view.up]));
            rectangle(&mut svg, (corner.0, corner.1, wide, high), COLOURS[place % COLOURS.len()], 1);
            text(&mut svg, corner.0 + wide / 2 - 3.min(wide / 2), corner.1 + high / 2 + 4, &(place + 1).to_string());
        }
    }
    for (place, placement) in placements.iter().enumerate() {
        let ([x, y, z], [length, width, height]) = (placement.at, placement.size);
        let line =
            format!("{}. {} at {x}, {y}, {z}: {length} × {width} × {height} mm", place + 1, name(placement.piece));
        text(&mut svg, u64::from(GAP), top + u64::from(LINE) * place as u64, &line);
    }
    svg.push_str("</svg>");
    svg
}

/// Pieces so that those nearer to the eye are drawn over those behind. From above the higher is nearer; from the front
/// and from the side what lies at the origin is.
fn nearest_last<'a>(placements: &'a [Placement], view: &View) -> Vec<(usize, &'a Placement)> {
    let mut order: Vec<_> = placements.iter().enumerate().collect();
    order.sort_by_key(|(_, placement)| {
        let near = i64::from(placement.at[view.near]);
        if view.near == 2 { near + i64::from(placement.size[2]) } else { -near }
    });
    order
}

fn rectangle(svg: &mut String, (x, y, width, height): (u64, u64, u64, u64), fill: &str, line: u32) {
    write!(
        svg,
        r##"<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{fill}" stroke="#333" stroke-width="{line}"/>"##
    )
    .expect("text takes all text");
}

fn text(svg: &mut String, x: u64, y: u64, text: &str) {
    write!(svg, r#"<text x="{x}" y="{y}">{}</text>"#, escaped(text)).expect("text takes all text");
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            letter if letter.is_control() => safe.push('\u{fffd}'),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_shows_every_piece_and_escapes_its_name() {
        let carton = Carton { inner: [300, 200, 100], outer: [310, 210, 110], weight_g: 0, max_weight_g: 1, cost: 0 };
        let placements = [
            Placement { piece: 0, at: [0, 0, 0], size: [300, 200, 50] },
            Placement { piece: 1, at: [0, 0, 50], size: [100, 200, 50] },
        ];
        let svg = drawing(&carton, &placements, |piece| format!("<b>&{piece}"));
        assert_eq!(svg.matches("<rect").count(), 3 * 3, "a frame and two pieces in each of three views");
        assert!(svg.contains("1. &lt;b&gt;&amp;0 at 0, 0, 0: 300 × 200 × 50 mm"), "{svg}");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>") && !svg.contains("<b>"));
    }
}
