//! The one face of all papers: how wide text is, where it breaks, and the outlines of its letters.
//!
//! Hack, of one width, with Latin, Greek and Cyrillic letters. The size of a text is its em in dots. Letters that Unicode
//! composes are composed first, so a mark of its own does not take a place of its own.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, GlyphId, OutlineCurve, OutlinedGlyph, PxScale, point};
use epaint_default_fonts::HACK_REGULAR;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

static FACE: LazyLock<FontRef<'static>> =
    LazyLock::new(|| FontRef::try_from_slice(HACK_REGULAR).expect("the face is a font"));

/// Where the base line of a text is below its top, and how high it is, in thousandths of its size.
const ASCENT: u32 = 930;
const HEIGHT: u32 = 1_170;
/// A capital that the face lacks and that is written as two letters.
const SHARP_S: char = 'ẞ';
/// What stands for what was left out.
const ELLIPSIS: char = '…';

/// Units of the outlines to an em.
pub fn units_per_em() -> f32 {
    FACE.units_per_em().expect("the face says so")
}

/// Dots from the top of a text to its base line.
pub fn ascent(size: u32) -> u32 {
    (size * ASCENT).div_ceil(1_000)
}

/// Dots from the top of a text to its bottom.
pub fn height(size: u32) -> u32 {
    (size * HEIGHT).div_ceil(1_000)
}

/// How far a letter moves on, in units of the outlines.
pub fn advance(letter: char) -> f32 {
    FACE.h_advance_unscaled(FACE.glyph_id(letter))
}

/// How wide a text is, in dots.
pub fn width(text: &str, size: u32) -> u32 {
    let units: f32 = text.chars().map(advance).sum();
    (units * size as f32 / units_per_em()).ceil() as u32
}

/// The outline of a letter, in units, upwards from the base line.
pub fn outline(letter: char) -> Vec<OutlineCurve> {
    FACE.outline(FACE.glyph_id(letter)).map(|outline| outline.curves).unwrap_or_default()
}

/// The letters of a line at their places, with the base line at `y`.
pub fn placed(text: &str, size: u32, x: u32, y: u32) -> impl Iterator<Item = OutlinedGlyph> {
    let scale = PxScale::from(size as f32 * FACE.height_unscaled() / units_per_em());
    let mut at = x as f32;
    let glyphs = text.chars().map(move |letter| {
        let id: GlyphId = FACE.glyph_id(letter);
        let glyph = id.with_scale_and_position(scale, point(at, y as f32));
        at += advance(letter) * size as f32 / units_per_em();
        glyph
    });
    glyphs.filter_map(|glyph| FACE.outline_glyph(glyph))
}

/// A text in lines of so many dots, at most so many of them: broken between words where that can be, and ended by an
/// ellipsis where something had to be left out. Blanks and breaks of lines count as one blank.
pub fn wrapped(text: &str, size: u32, width_max: u32, lines_max: usize) -> Vec<String> {
    let letters = letters_in(size, width_max);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let composed = text.nfc().collect::<String>().replace(SHARP_S, "SS");
    let mut words = composed.split_whitespace().map(|word| word.chars().collect::<Vec<char>>());
    let mut left = words.next();
    while let Some(word) = left.take() {
        let used = line.chars().count();
        let room = letters.saturating_sub(if used == 0 { 0 } else { used + 1 });
        if word.len() <= room {
            if used > 0 {
                line.push(' ');
            }
            line.extend(&word);
            left = words.next();
            continue;
        }
        let whole_line = used == 0;
        // A mark stays with its letter.
        let cut = (1..=letters).rev().find(|at| !word.get(*at).is_some_and(|c| is_combining_mark(*c)));
        let cut = cut.unwrap_or(letters);
        if whole_line {
            line.extend(&word[..cut]);
        }
        lines.push(std::mem::take(&mut line));
        if lines.len() == lines_max {
            let last = lines.last_mut().expect("one was pushed");
            *last = ended(last, letters);
            return lines;
        }
        left = Some(if whole_line { word[cut..].to_vec() } else { word });
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// A line with an ellipsis at its end, within so many letters.
fn ended(line: &str, letters: usize) -> String {
    let kept: String = line.chars().take(letters.saturating_sub(1)).collect();
    format!("{}{ELLIPSIS}", kept.trim_end())
}

/// How many letters a line of so many dots takes; at least one.
fn letters_in(size: u32, width_max: u32) -> usize {
    let each = advance(ELLIPSIS) * size as f32 / units_per_em();
    ((width_max as f32 / each) as usize).max(1)
}
