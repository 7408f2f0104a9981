//! Sheets as PDF: rules and codes as rectangles, text as text.
//!
//! The letters that are used stand in the file as fonts of their outlines (Type 3), up to 256 to a font, each with
//! the character it is: what a page says can be searched and copied, and looks the same everywhere.

use std::collections::BTreeSet;
use std::io::Write;

use ab_glyph::{OutlineCurve, Point};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str};

use super::face;
use super::sheet::{DOTS_PER_INCH, Mark, Sheet};

/// Letters of one font.
const LETTERS: usize = 256;
/// Points to an inch.
const POINTS_PER_INCH: u32 = 72;

/// Letters of the document, each at its place, and references to what is written.
struct Fonts {
    letters: Vec<char>,
    fonts: Vec<Ref>,
}

/// References not yet given out.
struct Refs(Ref);

impl Refs {
    fn one(&mut self) -> Ref {
        self.0.bump()
    }
}

/// The file, a page for every sheet.
pub fn pdf(sheets: &[Sheet]) -> Vec<u8> {
    let (mut pdf, mut refs) = (Pdf::new(), Refs(Ref::new(1)));
    let (catalog, tree) = (refs.one(), refs.one());
    pdf.catalog(catalog).pages(tree);
    let fonts = Fonts::written(&mut pdf, &mut refs, sheets);
    let pages: Vec<Ref> = sheets.iter().map(|_| refs.one()).collect();
    pdf.pages(tree).kids(pages.iter().copied()).count(pages.len() as i32);
    for (sheet, id) in sheets.iter().zip(pages) {
        let content = refs.one();
        let points = |dots: u32| (dots * POINTS_PER_INCH) as f32 / DOTS_PER_INCH as f32;
        let mut page = pdf.page(id);
        page.parent(tree).contents(content).media_box(Rect::new(0.0, 0.0, points(sheet.width), points(sheet.height)));
        let mut resources = page.resources();
        let mut named = resources.fonts();
        for (number, font) in fonts.fonts.iter().enumerate() {
            named.pair(Name(font_name(number).as_bytes()), *font);
        }
        named.finish();
        resources.finish();
        page.finish();
        let packed = packed(&fonts.drawn(sheet));
        pdf.stream(content, &packed).filter(Filter::FlateDecode);
    }
    pdf.finish()
}

fn font_name(number: usize) -> String {
    format!("F{number}")
}

fn letter_name(code: usize) -> String {
    format!("g{code}")
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes the file")
}

impl Fonts {
    /// The fonts of all that the sheets say.
    fn written(pdf: &mut Pdf, refs: &mut Refs, sheets: &[Sheet]) -> Self {
        let mut letters = BTreeSet::new();
        for mark in sheets.iter().flat_map(|sheet| &sheet.marks) {
            if let Mark::Text { text, .. } = mark {
                letters.extend(text.chars());
            }
        }
        let letters: Vec<char> = letters.into_iter().collect();
        let fonts = letters.chunks(LETTERS).map(|letters| write_font(pdf, refs, letters)).collect();
        Self { letters, fonts }
    }

    /// What draws a sheet, in dots from the upper left corner.
    fn drawn(&self, sheet: &Sheet) -> Vec<u8> {
        let mut content = Content::new();
        let scale = POINTS_PER_INCH as f32 / DOTS_PER_INCH as f32;
        content.transform([scale, 0.0, 0.0, -scale, 0.0, sheet.height as f32 * scale]);
        for mark in &sheet.marks {
            if let Mark::Text { x, y, size, text } = mark {
                self.write(&mut content, (*x, y + face::ascent(*size)), *size, text);
                continue;
            }
            for area in mark.rectangles() {
                content.rect(area.x as f32, area.y as f32, area.width as f32, area.height as f32);
            }
            content.fill_nonzero();
        }
        content.finish().into_vec()
    }

    fn write(&self, content: &mut Content, (x, y): (u32, u32), size: u32, text: &str) {
        let placed: Vec<usize> = text.chars().filter_map(|letter| self.letters.binary_search(&letter).ok()).collect();
        content.begin_text();
        content.set_text_matrix([1.0, 0.0, 0.0, -1.0, x as f32, y as f32]);
        for run in placed.chunk_by(|a, b| a / LETTERS == b / LETTERS) {
            content.set_font(Name(font_name(run[0] / LETTERS).as_bytes()), size as f32);
            let codes: Vec<u8> = run.iter().map(|at| (at % LETTERS) as u8).collect();
            content.show(Str(&codes));
        }
        content.end_text();
    }
}

fn write_font(pdf: &mut Pdf, refs: &mut Refs, letters: &[char]) -> Ref {
    let (font, unicode) = (refs.one(), refs.one());
    let procs: Vec<Ref> = letters.iter().map(|_| refs.one()).collect();
    let names: Vec<String> = (0..letters.len()).map(letter_name).collect();
    for (letter, id) in letters.iter().zip(&procs) {
        let packed = packed(&drawn(*letter));
        pdf.stream(*id, &packed).filter(Filter::FlateDecode);
    }
    let mut written = pdf.type3_font(font);
    let unit = 1.0 / face::units_per_em();
    // An empty box says that the letters themselves tell how large they are.
    written.bbox(Rect::new(0.0, 0.0, 0.0, 0.0)).matrix([unit, 0.0, 0.0, unit, 0.0, 0.0]);
    let mut listed = written.char_procs();
    for (name, id) in names.iter().zip(&procs) {
        listed.pair(Name(name.as_bytes()), *id);
    }
    listed.finish();
    let mut encoding = written.encoding_custom();
    encoding.differences().consecutive(0, names.iter().map(|name| Name(name.as_bytes())));
    encoding.finish();
    written.first_char(0).last_char((letters.len() - 1) as u8);
    written.widths(letters.iter().map(|letter| face::advance(*letter)));
    written.to_unicode(unicode);
    written.resources().finish();
    written.finish();
    let info = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"UCS"), supplement: 0 };
    let mut characters = UnicodeCmap::<u8>::new(Name(b"Letters"), info);
    for (code, letter) in letters.iter().enumerate() {
        characters.pair(code as u8, *letter);
    }
    let packed = packed(&characters.finish().into_vec());
    pdf.stream(unicode, &packed).filter(Filter::FlateDecode);
    font
}

/// What draws a letter, in units of its outline.
fn drawn(letter: char) -> Vec<u8> {
    let mut content = Content::new();
    content.start_color_glyph(face::advance(letter));
    let mut at: Option<Point> = None;
    for curve in face::outline(letter) {
        let (from, to) = match curve {
            OutlineCurve::Line(a, b) | OutlineCurve::Quad(a, _, b) | OutlineCurve::Cubic(a, _, _, b) => (a, b),
        };
        if at != Some(from) {
            content.move_to(from.x, from.y);
        }
        match curve {
            OutlineCurve::Line(..) => content.line_to(to.x, to.y),
            OutlineCurve::Quad(_, middle, _) => {
                let third = |end: f32, middle: f32| end + (middle - end) * 2.0 / 3.0;
                let (a, b) = (third(from.x, middle.x), third(from.y, middle.y));
                content.cubic_to(a, b, third(to.x, middle.x), third(to.y, middle.y), to.x, to.y)
            }
            OutlineCurve::Cubic(_, a, b, _) => content.cubic_to(a.x, a.y, b.x, b.y, to.x, to.y),
        };
        at = Some(to);
    }
    if at.is_some() {
        content.fill_nonzero();
    }
    content.finish().into_vec()
}
