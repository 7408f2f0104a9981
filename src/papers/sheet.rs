//! A sheet: what stands where, in dots from its upper left corner.

use super::code128::Code128;
use super::face;
use super::qr::{QUIET_MODULES, Qr};

/// Dots to an inch.
pub const DOTS_PER_INCH: u32 = 203;
/// Modules left and right of bars that have to stay light.
pub const BARS_QUIET_MODULES: u32 = 10;

/// A rectangle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the edges")]
pub struct Area {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

impl Area {
    /// The first dot right of it.
    pub fn right(&self) -> u32 {
        self.x + self.width
    }

    /// The first dot below it.
    pub fn bottom(&self) -> u32 {
        self.y + self.height
    }

    /// Whether some dot is in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    /// Whether all of the other is in it.
    pub fn holds(&self, other: &Self) -> bool {
        self.x <= other.x && self.y <= other.y && other.right() <= self.right() && other.bottom() <= self.bottom()
    }
}

/// What is drawn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mark {
    /// A filled rectangle.
    Rule(Area),
    /// A line of text, by its upper left corner.
    Text {
        /// Left edge.
        x: u32,
        /// Upper edge.
        y: u32,
        /// Its em, in dots.
        size: u32,
        /// What it says.
        text: String,
    },
    /// Bars, by their first bar's upper left corner.
    Bars {
        /// Left edge of the first bar.
        x: u32,
        /// Upper edge.
        y: u32,
        /// Width of a module, in dots.
        module: u32,
        /// Height of the bars.
        height: u32,
        /// What they say.
        code: Code128,
    },
    /// A square, by its first module's upper left corner.
    Square {
        /// Left edge of the first module.
        x: u32,
        /// Upper edge.
        y: u32,
        /// Edge of a module, in dots.
        module: u32,
        /// What it says.
        code: Qr,
    },
}

impl Mark {
    /// What it takes, quiet zones included.
    pub fn area(&self) -> Area {
        match self {
            Self::Rule(area) => *area,
            Self::Text { x, y, size, text } => {
                Area { x: *x, y: *y, width: face::width(text, *size), height: face::height(*size) }
            }
            Self::Bars { x, y, module, height, code } => {
                let quiet = BARS_QUIET_MODULES * module;
                let width = code.width() * module + 2 * quiet;
                Area { x: x.saturating_sub(quiet), y: *y, width, height: *height }
            }
            Self::Square { x, y, module, code } => {
                let (quiet, edge) = (QUIET_MODULES * module, (code.width() + 2 * QUIET_MODULES) * module);
                Area { x: x.saturating_sub(quiet), y: y.saturating_sub(quiet), width: edge, height: edge }
            }
        }
    }

    /// The dark rectangles it is made of; none of a text.
    pub fn rectangles(&self) -> Vec<Area> {
        match self {
            Self::Rule(area) => vec![*area],
            Self::Text { .. } => Vec::new(),
            Self::Bars { x, y, module, height, code } => runs(code.modules())
                .map(|(at, many)| Area { x: x + at * module, y: *y, width: many * module, height: *height })
                .collect(),
            Self::Square { x, y, module, code } => {
                let row = |(number, row)| {
                    let y = y + number * module;
                    runs(row).map(move |(at, many)| Area {
                        x: x + at * module,
                        y,
                        width: many * module,
                        height: *module,
                    })
                };
                (0..).zip(code.rows()).flat_map(row).collect()
            }
        }
    }
}

/// Where dark modules begin, and how many follow.
fn runs(modules: &[bool]) -> impl Iterator<Item = (u32, u32)> {
    let mut at = 0;
    modules.chunk_by(|a, b| a == b).filter_map(move |run| {
        let (begin, many) = (at, run.len() as u32);
        at += many;
        run[0].then_some((begin, many))
    })
}

/// A sheet of paper.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sheet {
    /// How wide, in dots.
    pub width: u32,
    /// How high, in dots.
    pub height: u32,
    /// What stands on it.
    pub marks: Vec<Mark>,
}

impl Sheet {
    /// An empty one.
    pub fn new(width: u32, height: u32) -> Self {
        Self { width, height, marks: Vec::new() }
    }

    /// Draws a filled rectangle.
    pub fn rule(&mut self, x: u32, y: u32, width: u32, height: u32) {
        self.marks.push(Mark::Rule(Area { x, y, width, height }));
    }

    /// Writes a text into lines of so many dots, at most so many of them; gives where the next one would begin.
    pub fn lines(&mut self, (x, y): (u32, u32), size: u32, width: u32, lines_max: usize, text: &str) -> u32 {
        let lines = face::wrapped(text, size, width, lines_max);
        (0..).zip(lines).fold(y, |_, (number, text)| {
            let y = y + number * line_height(size);
            self.marks.push(Mark::Text { x, y, size, text });
            y + line_height(size)
        })
    }

    /// Writes one line in the middle between two edges.
    pub fn centred(&mut self, (left, right): (u32, u32), y: u32, size: u32, text: &str) {
        for text in face::wrapped(text, size, right - left, 1) {
            let free = (right - left).saturating_sub(face::width(&text, size));
            self.marks.push(Mark::Text { x: left + free / 2, y, size, text });
        }
    }

    /// Writes one line that ends at an edge.
    pub fn to_the_right(&mut self, (left, right): (u32, u32), y: u32, size: u32, text: &str) {
        for text in face::wrapped(text, size, right - left, 1) {
            let x = right.saturating_sub(face::width(&text, size));
            self.marks.push(Mark::Text { x, y, size, text });
        }
    }
}

/// From one line of text to the next.
pub fn line_height(size: u32) -> u32 {
    face::height(size) + size / 12
}
