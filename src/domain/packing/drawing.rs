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
/// Points of its widest letters.
const LETTER: u64 = 9;
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
    // However thin, a piece is seen.
    let wide = |mm: u32| points(mm).max(1);
    let legend: Vec<String> = placements.iter().enumerate().map(|(place, own)| entry(place, own, &name)).collect();
    let longest_entry = legend.iter().map(|line| line.chars().count() as u64).max().unwrap_or(0);
    let width = u64::from(4 * GAP + 3 * VIEW).max(u64::from(2 * GAP) + LETTER * longest_entry);
    let top = u64::from(VIEW + 3 * GAP);
    let height = top + u64::from(LINE) * (placements.len() as u64 + 1);
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif" font-size="11">"#
    );
    for (number, view) in VIEWS.iter().enumerate() {
        let left = u64::from(GAP) + number as u64 * u64::from(GAP + VIEW);
        text(&mut svg, left, u64::from(GAP), view.name);
        let frame = (left, u64::from(2 * GAP), wide(carton.inner[view.right]), wide(carton.inner[view.up]));
        rectangle(&mut svg, frame, "none", 2);
        for (place, placement) in nearest_last(placements, view) {
            let (at, size) = (placement.at, placement.size);
            let (broad, high) = (wide(size[view.right]), wide(size[view.up]));
            // What was widened stays inside the frame.
            let right = points(at[view.right]).min(frame.2 - broad);
            let down = frame.3.saturating_sub(points(at[view.up] + size[view.up])).min(frame.3 - high);
            let corner = (left + right, u64::from(2 * GAP) + down);
            rectangle(&mut svg, (corner.0, corner.1, broad, high), COLOURS[place % COLOURS.len()], 1);
            text(&mut svg, corner.0 + broad / 2 - 3.min(broad / 2), corner.1 + high / 2 + 4, &(place + 1).to_string());
        }
    }
    for (place, line) in (0..).zip(&legend) {
        text(&mut svg, u64::from(GAP), top + u64::from(LINE) * place, line);
    }
    svg.push_str("</svg>");
    svg
}

/// What the legend says of a piece.
fn entry(place: usize, placement: &Placement, name: impl Fn(u16) -> String) -> String {
    let ([x, y, z], [length, width, height]) = (placement.at, placement.size);
    format!("{}. {} at {x}, {y}, {z}: {length} × {width} × {height} mm", place + 1, name(placement.piece))
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

    #[test]
    fn however_thin_a_piece_is_seen_inside_its_frame() {
        let carton = Carton { inner: [3_000, 20, 5], outer: [3_002, 22, 7], weight_g: 0, max_weight_g: 1, cost: 0 };
        let placements = [[0, 0, 0], [2_999, 19, 4]].map(|at| Placement { piece: 0, at, size: [1, 1, 1] }).into_iter();
        let svg = drawing(&carton, &placements.collect::<Vec<_>>(), |_| "dust".to_owned());
        assert!(!svg.contains(r#"width="0""#) && !svg.contains(r#"height="0""#), "{svg}");
        assert!(svg.contains(r#"<rect x="243" y="48" width="1" height="1""#), "at the right end of its carton: {svg}");
    }

    #[test]
    fn a_long_name_is_inside_the_picture() {
        let carton = Carton { inner: [300, 200, 100], outer: [310, 210, 110], weight_g: 0, max_weight_g: 1, cost: 0 };
        let placements = [Placement { piece: 0, at: [0, 0, 0], size: [300, 200, 50] }];
        let svg = drawing(&carton, &placements, |_| "M".repeat(128));
        let width = svg.split(r#"width=""#).nth(1).and_then(|rest| rest.split('"').next()).map(str::parse::<u64>);
        assert!(width.is_some_and(|width| width.is_ok_and(|width| width > 128 * 9)), "{svg}");
    }
}
