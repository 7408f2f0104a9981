//! A sheet as dots, dark or light.

use super::face;
use super::sheet::{Area, Mark, Sheet};

/// How much of a dot a letter has to cover to darken it.
const COVERED: f32 = 0.5;

/// Dots in rows of whole bytes, the first dot in the highest bit; set bits are dark.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Raster {
    /// How wide, in dots.
    pub width: u32,
    /// How high, in dots.
    pub height: u32,
    /// The rows, from above.
    pub bytes: Vec<u8>,
}

impl Raster {
    /// All light.
    pub fn new(width: u32, height: u32) -> Self {
        Self { width, height, bytes: vec![0; (width.div_ceil(8) * height) as usize] }
    }

    /// A sheet.
    pub fn of(sheet: &Sheet) -> Self {
        let mut raster = Self::new(sheet.width, sheet.height);
        for mark in &sheet.marks {
            mark.rectangles().into_iter().for_each(|area| raster.fill(area));
            if let Mark::Text { x, y, size, text } = mark {
                raster.write((*x, *y), *size, text);
            }
        }
        raster
    }

    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        self.width.div_ceil(8) as usize
    }

    /// Whether a dot is dark.
    pub fn is_dark(&self, x: u32, y: u32) -> bool {
        self.bytes[y as usize * self.row_bytes() + (x / 8) as usize] & (0x80 >> (x % 8)) != 0
    }

    /// Darkens a rectangle; what is outside is left out.
    pub fn fill(&mut self, area: Area) {
        for y in area.y..area.bottom().min(self.height) {
            for x in area.x..area.right().min(self.width) {
                self.darken(x, y);
            }
        }
    }

    /// Writes a line of text, by its upper left corner.
    pub fn write(&mut self, (x, y): (u32, u32), size: u32, text: &str) {
        for glyph in face::placed(text, size, x, y + face::ascent(size)) {
            let corner = glyph.px_bounds().min;
            glyph.draw(|right, down, covered| {
                let (x, y) = (corner.x as i64 + i64::from(right), corner.y as i64 + i64::from(down));
                let inside = (0..i64::from(self.width)).contains(&x) && (0..i64::from(self.height)).contains(&y);
                if covered >= COVERED && inside {
                    self.darken(x as u32, y as u32);
                }
            });
        }
    }

    fn darken(&mut self, x: u32, y: u32) {
        let at = y as usize * self.row_bytes() + (x / 8) as usize;
        self.bytes[at] |= 0x80 >> (x % 8);
    }
}
