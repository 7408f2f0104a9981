//! Papers: a heading, a table over as many pages as it takes, and lines below it: packing slips, pick lists, manifests.
//!
//! A page is A4, and all that stands on it also lies on a page of US Letter printed from the same corner. What is *not*
//! here: which rows and columns they have.

use super::code128::Code128;
use super::face;
use super::sheet::{BARS_QUIET_MODULES, Mark, Sheet, line_height};

/// A4: 210 × 297 mm, in dots.
const WIDTH: u32 = 1_678;
const HEIGHT: u32 = 2_374;
/// Below this a page of US Letter ends, 279 mm, less its margin.
const BOTTOM: u32 = 2_130;
/// Dots that stay free at the other edges, 12 mm.
const MARGIN: u32 = 96;
/// Thickness of a rule.
const RULE: u32 = 2;
/// Between two columns.
const GAP: u32 = 16;

/// Sizes of text.
const TITLE: u32 = 52;
const USUAL: u32 = 26;
const CAPTION: u32 = 20;

/// Module of bars, in dots: 0.25 mm at least.
const MODULE: std::ops::RangeInclusive<u32> = 2..=3;
/// Height of bars, in dots: 15 mm.
const BARS_HEIGHT: u32 = 120;
/// Most lines of a cell.
const CELL_LINES: usize = 3;
/// Most lines of one entry of the heading.
const ENTRY_LINES: usize = 2;

/// A column of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// What is in it.
    pub title: &'static str,
    /// Its share of the width; all shares add up to a hundred.
    pub share: u32,
    /// Whether it is written to the right, as numbers are.
    pub is_number: bool,
}

/// A paper.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Paper {
    /// What it is.
    pub title: String,
    /// What it is about, as bars; left out where it cannot be.
    pub code: String,
    /// What it says before the table: captions, each with its lines.
    pub heading: Vec<(&'static str, Vec<String>)>,
    /// Columns of the table.
    pub columns: Vec<Column>,
    /// Its rows; each has as many cells as there are columns.
    pub rows: Vec<Vec<String>>,
    /// What it says below the table.
    pub below: Vec<String>,
}

/// A paper being laid out: the page it is at, and how far down.
struct Pages<'a> {
    paper: &'a Paper,
    done: Vec<Sheet>,
    page: Sheet,
    y: u32,
}

impl Paper {
    /// Lays it out.
    pub fn sheets(&self) -> Vec<Sheet> {
        let mut pages = Pages { paper: self, done: Vec::new(), page: Sheet::new(WIDTH, HEIGHT), y: MARGIN };
        pages.draw_heading();
        pages.draw_columns();
        for row in &self.rows {
            pages.draw_row(row);
        }
        pages.draw_below();
        pages.numbered()
    }

    /// Left edge and width of every column.
    fn places(&self) -> Vec<(u32, u32)> {
        let inside = WIDTH - 2 * MARGIN;
        let mut share = 0;
        let place = |column: &Column| {
            let x = MARGIN + inside * share / 100;
            share += column.share;
            (x, inside * column.share / 100 - GAP)
        };
        self.columns.iter().map(place).collect()
    }
}

impl Pages<'_> {
    fn draw_heading(&mut self) {
        let (inside, half) = (WIDTH - 2 * MARGIN, (WIDTH - 2 * MARGIN) / 2 - GAP);
        let bars = bars(&self.paper.code, self.y, inside / 2);
        let title_room = if bars.is_some() { half } else { inside };
        let below_title = self.page.lines((MARGIN, self.y), TITLE, title_room, 2, &self.paper.title);
        let below_bars = bars.as_ref().map_or(0, |bars| bars.area().bottom());
        if let Some(area) = bars.as_ref().map(Mark::area) {
            self.page.centred((area.x, area.right()), below_bars + RULE, CAPTION, &self.paper.code);
        }
        self.page.marks.extend(bars);
        self.y = below_title.max(below_bars + line_height(CAPTION)) + GAP;
        for pair in self.paper.heading.chunks(2) {
            let ends = [MARGIN, MARGIN + inside / 2 + GAP].into_iter().zip(pair).map(|(x, (caption, lines))| {
                let y = self.page.lines((x, self.y), CAPTION, half, 1, caption);
                lines.iter().fold(y, |y, line| self.page.lines((x, y), USUAL, half, ENTRY_LINES, line))
            });
            self.y = ends.max().unwrap_or(self.y) + GAP;
        }
        self.y += GAP;
    }

    fn draw_columns(&mut self) {
        let y = self.y;
        for (column, (x, width)) in self.paper.columns.iter().zip(self.paper.places()) {
            self.cell(column, (x, y), width, CAPTION, 1, column.title);
        }
        self.y += line_height(CAPTION) + RULE;
        self.page.rule(MARGIN, self.y, WIDTH - 2 * MARGIN, RULE);
        self.y += 2 * RULE;
    }

    fn cell(&mut self, column: &Column, (x, y): (u32, u32), width: u32, size: u32, most: usize, text: &str) -> u32 {
        if column.is_number {
            self.page.to_the_right((x, x + width), y, size, text);
            return y + line_height(size);
        }
        self.page.lines((x, y), size, width, most, text)
    }

    fn draw_row(&mut self, row: &[String]) {
        assert_eq!(row.len(), self.paper.columns.len(), "a row has a cell for every column");
        let places = self.paper.places();
        let columns = self.paper.columns.iter();
        let lines = columns.zip(row).zip(&places).map(|((column, text), (_, width))| match column.is_number {
            true => 1,
            false => face::wrapped(text, USUAL, *width, CELL_LINES).len() as u32,
        });
        let height = lines.max().unwrap_or(1).max(1) * line_height(USUAL);
        if self.y + height > BOTTOM {
            self.turn();
            self.draw_columns();
        }
        let y = self.y;
        for ((column, text), (x, width)) in self.paper.columns.iter().zip(row).zip(places) {
            self.cell(column, (x, y), width, USUAL, CELL_LINES, text);
        }
        self.y += height + RULE;
    }

    fn draw_below(&mut self) {
        self.page.rule(MARGIN, self.y, WIDTH - 2 * MARGIN, RULE);
        self.y += GAP;
        for line in &self.paper.below {
            if self.y + line_height(USUAL) * ENTRY_LINES as u32 > BOTTOM {
                self.turn();
            }
            self.y = self.page.lines((MARGIN, self.y), USUAL, WIDTH - 2 * MARGIN, ENTRY_LINES, line) + GAP;
        }
    }

    /// Goes to the next page.
    fn turn(&mut self) {
        let full = std::mem::replace(&mut self.page, Sheet::new(WIDTH, HEIGHT));
        self.done.push(full);
        self.y = MARGIN;
    }

    /// The pages, each with its number.
    fn numbered(mut self) -> Vec<Sheet> {
        self.done.push(self.page);
        let all = self.done.len();
        for (number, page) in self.done.iter_mut().enumerate() {
            let told = format!("{} {} / {all}", self.paper.code, number + 1);
            page.to_the_right((MARGIN, WIDTH - MARGIN), BOTTOM + GAP, CAPTION, &told);
        }
        self.done
    }
}

/// Bars at the right edge, within so many dots.
fn bars(text: &str, y: u32, room: u32) -> Option<Mark> {
    let code = Code128::of(text).ok()?;
    let width = |module: u32| (code.width() + 2 * BARS_QUIET_MODULES) * module;
    let module = MODULE.rev().find(|module| width(*module) <= room)?;
    let x = WIDTH - MARGIN - (code.width() + BARS_QUIET_MODULES) * module;
    Some(Mark::Bars { x, y, module, height: BARS_HEIGHT, code })
}
