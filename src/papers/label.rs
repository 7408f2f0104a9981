//! The label of a parcel, 4 × 6 inches: from whom to whom, by which service, and codes for scanners.
//!
//! ```text
//! ┌──────────────────────────────┐
//! │ from                   title │
//! ├──────────────────────────────┤
//! │ to                           │
//! ├───────────────────┬──────────┤
//! │ carrier, service  │ QR:      │
//! │ reference, weight │ numbers  │
//! ├───────────────────┴──────────┤
//! │ tracking number as Code 128  │
//! ├──────────────────────────────┤
//! │ SSCC as GS1-128, if any      │
//! └──────────────────────────────┘
//! ```
//! Sizes follow GS1 General Specifications 5.12 (symbols on logistic units): the SSCC has an X-dimension of at least
//! 0.495 mm and bars of at least 31.75 mm; every code has a quiet zone of ten modules on either side (QR: four around).
//! The tracking number has the largest module that fits, at least 0.25 mm.
//!
//! It belongs to no carrier: one that demands a layout of its own prints its own label.

use super::code128::{Code128, NotEncodable};
use super::gs1::Sscc;
use super::qr::{QUIET_MODULES, Qr};
use super::sheet::{BARS_QUIET_MODULES, DOTS_PER_INCH, Mark, Sheet, line_height};

/// How wide, in dots.
pub const WIDTH: u32 = 4 * DOTS_PER_INCH;
/// How high, in dots.
pub const HEIGHT: u32 = 6 * DOTS_PER_INCH;

/// Dots that stay free at every edge.
const MARGIN: u32 = 20;
/// Thickness of a rule.
const RULE: u32 = 3;
/// Rules, from above.
const BELOW_FROM: u32 = 196;
const BELOW_TO: u32 = 448;
const BELOW_SERVICE: u32 = 688;
const BELOW_TRACKING: u32 = 892;
/// Width of what the QR code stands in.
const SQUARE_ROOM: u32 = 240;

/// Sizes of text.
const CAPTION: u32 = 18;
const TINY: u32 = 20;
const SMALL: u32 = 26;
const USUAL: u32 = 32;
const LARGE: u32 = 40;

/// Modules of the tracking number's bars, in dots: 0.25 to 0.5 mm.
const TRACKING_MODULE: std::ops::RangeInclusive<u32> = 2..=4;
/// Module of the SSCC's bars, in dots: 0.5005 mm, of at least 0.495.
const SSCC_MODULE: u32 = 4;
/// Height of the SSCC's bars, in dots: 31.78 mm, of at least 31.75.
const SSCC_HEIGHT: u32 = 254;
/// Modules of the QR code, in dots: 0.375 to 0.75 mm.
const SQUARE_MODULE: std::ops::RangeInclusive<u32> = 3..=6;

/// What a label says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Label {
    /// What kind it is, where that has to be said.
    pub title: Option<&'static str>,
    /// Who sends it, line by line.
    pub from: Vec<String>,
    /// Who gets it, line by line, the name first.
    pub to: Vec<String>,
    /// Carrier.
    pub carrier: String,
    /// Its service.
    pub service: Option<String>,
    /// Tracking number.
    pub tracking_number: String,
    /// What its contents weigh, in grams; 0 when nobody knows.
    pub weight_g: u64,
    /// What it is, in our own words.
    pub reference: String,
    /// Number of the parcel as a logistic unit.
    pub sscc: Option<Sscc>,
}

impl Label {
    /// Lays it out.
    ///
    /// # Errors
    ///
    /// The tracking number cannot be a bar code, or not one that fits.
    pub fn sheet(&self) -> Result<Sheet, NotEncodable> {
        let mut sheet = Sheet::new(WIDTH, HEIGHT);
        for y in [BELOW_FROM, BELOW_TO, BELOW_SERVICE] {
            sheet.rule(MARGIN, y, WIDTH - 2 * MARGIN, RULE);
        }
        self.draw_parties(&mut sheet);
        self.draw_service(&mut sheet);
        match &self.sscc {
            None => self.draw_tracking(&mut sheet, HEIGHT - MARGIN)?,
            Some(sscc) => {
                sheet.rule(MARGIN, BELOW_TRACKING, WIDTH - 2 * MARGIN, RULE);
                self.draw_tracking(&mut sheet, BELOW_TRACKING)?;
                draw_sscc(&mut sheet, sscc)?;
            }
        }
        Ok(sheet)
    }

    fn draw_parties(&self, sheet: &mut Sheet) {
        let inside = WIDTH - 2 * MARGIN;
        let title_room = if self.title.is_some() { 220 } else { 0 };
        sheet.lines((MARGIN, MARGIN), CAPTION, inside, 1, "FROM");
        if let Some(title) = self.title {
            sheet.to_the_right((WIDTH - MARGIN - title_room, WIDTH - MARGIN), MARGIN, LARGE, title);
        }
        party(sheet, &self.from, (MARGIN, BELOW_FROM), inside - title_room, &[SMALL, TINY]);
        sheet.lines((MARGIN, BELOW_FROM + 2 * RULE), CAPTION, inside, 1, "TO");
        party(sheet, &self.to, (BELOW_FROM + 2 * RULE, BELOW_TO), inside, &[LARGE, USUAL, SMALL, TINY]);
    }

    fn draw_service(&self, sheet: &mut Sheet) {
        let (left, edge) = (MARGIN, WIDTH - MARGIN - SQUARE_ROOM);
        let room = edge - left - MARGIN;
        let mut y = BELOW_TO + 2 * RULE;
        y = sheet.lines((left, y), LARGE, room, 1, &self.carrier);
        if let Some(service) = &self.service {
            y = sheet.lines((left, y), USUAL, room, 1, service);
        }
        y = sheet.lines((left, y + 2 * RULE), CAPTION, room, 1, "REFERENCE");
        y = sheet.lines((left, y), SMALL, room, 2, &self.reference);
        if self.weight_g > 0 {
            sheet.lines((left, y + RULE), SMALL, room, 1, &format!("Contents {} kg", kilograms(self.weight_g)));
        }
        let free = BELOW_SERVICE - BELOW_TO - RULE;
        if let Some((module, code)) = self.square(free.min(SQUARE_ROOM)) {
            let size = code.width() * module;
            let x = edge + (SQUARE_ROOM - size) / 2;
            let y = BELOW_TO + RULE + (free - size) / 2;
            sheet.marks.push(Mark::Square { x, y, module, code });
        }
    }

    /// What the square says, line by line: the reference, the tracking number, the SSCC. The largest that fits; none when
    /// even the smallest does not.
    fn square(&self, room: u32) -> Option<(u32, Qr)> {
        let code = Qr::of(&self.numbers())?;
        let fits = |module: &u32| (code.width() + 2 * QUIET_MODULES) * module <= room;
        let module = SQUARE_MODULE.rev().find(fits)?;
        Some((module, code))
    }

    /// Its numbers, line by line.
    pub fn numbers(&self) -> String {
        let sscc = self.sscc.as_ref().map(|sscc| format!("\n{sscc}")).unwrap_or_default();
        format!("{}\n{}{sscc}", self.reference, self.tracking_number)
    }

    /// Bars of the tracking number down to an edge.
    fn draw_tracking(&self, sheet: &mut Sheet, bottom: u32) -> Result<(), NotEncodable> {
        let code = Code128::of(&self.tracking_number)?;
        let room = |module: u32| WIDTH / module - 2 * BARS_QUIET_MODULES;
        let module = TRACKING_MODULE.rev().find(|module| code.width() <= room(*module));
        let module = module
            .ok_or_else(|| NotEncodable::TooLong { modules: code.width(), most: room(*TRACKING_MODULE.start()) })?;
        let top = BELOW_SERVICE + 2 * RULE;
        sheet.lines((MARGIN, top), CAPTION, WIDTH - 2 * MARGIN, 1, "TRACKING NUMBER");
        let (y, below) = (top + line_height(CAPTION), bottom - line_height(USUAL) - RULE);
        sheet.marks.push(middle(code, y, module, below - y));
        sheet.centred((MARGIN, WIDTH - MARGIN), below + RULE, size_of(&self.tracking_number), &self.tracking_number);
        Ok(())
    }
}

/// The size in which a number is written whole, if one is.
fn size_of(number: &str) -> u32 {
    let fits = |size: &u32| super::face::width(number, *size) <= WIDTH - 2 * MARGIN;
    [USUAL, SMALL, CAPTION].into_iter().find(fits).unwrap_or(CAPTION)
}

fn draw_sscc(sheet: &mut Sheet, sscc: &Sscc) -> Result<(), NotEncodable> {
    let code = Code128::gs1(&sscc.element())?;
    let y = BELOW_TRACKING + 3 * RULE;
    sheet.marks.push(middle(code, y, SSCC_MODULE, SSCC_HEIGHT));
    sheet.centred((MARGIN, WIDTH - MARGIN), y + SSCC_HEIGHT + RULE, USUAL - 4, &format!("SSCC {}", sscc.readable()));
    Ok(())
}

/// Bars in the middle of the label.
fn middle(code: Code128, y: u32, module: u32, height: u32) -> Mark {
    Mark::Bars { x: (WIDTH - code.width() * module) / 2, y, module, height, code }
}

/// Somebody's lines between two heights, below a caption: in the largest size in which all of them fit, the first being
/// wrapped once if that helps; in the smallest size, what is too much is left out but for the last line.
fn party(sheet: &mut Sheet, lines: &[String], (top, bottom): (u32, u32), width: u32, sizes: &[u32]) {
    let top = top + line_height(CAPTION);
    let room = |size: u32| ((bottom - top) / line_height(size)) as usize;
    let wrapped = |size: u32, most: usize| -> Vec<String> {
        lines.iter().flat_map(|line| super::face::wrapped(line, size, width, most)).collect()
    };
    let fitting = sizes.iter().flat_map(|size| [2, 1].map(|most| (*size, wrapped(*size, most))));
    let smallest = *sizes.last().expect("there is a size");
    let found = fitting.into_iter().find(|(size, lines)| lines.len() <= room(*size));
    let (size, lines) = found.unwrap_or_else(|| {
        let mut lines = wrapped(smallest, 1);
        let last = lines.pop();
        lines.truncate(room(smallest) - 1);
        lines.extend(last);
        (smallest, lines)
    });
    for (number, text) in (0..).zip(lines) {
        sheet.marks.push(Mark::Text { x: MARGIN, y: top + number * line_height(size), size, text });
    }
}

/// Grams as kilograms.
pub fn kilograms(grams: u64) -> String {
    format!("{}.{:03}", grams / 1_000, grams % 1_000)
}
