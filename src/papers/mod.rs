//! Labels and papers: what goes on a parcel and what goes with it, laid out in dots and written as ZPL, PDF or PNG.
//!
//! ```text
//! label, paper ─lay out─► sheet (rules, text, bar codes, in dots) ─┬► raster ─► png
//!  face, code128, qr, gs1                                          ├► zpl
//!                                                                  └► pdf
//! ```
//! Every form is drawn from the same sheet, so what is true of one (sizes, quiet zones, nothing overlaps) is true of all.
//! A dot is 1/203 inch. Text is drawn from the outlines of one face, so any name in Latin, Greek or Cyrillic letters prints
//! on any printer; what the face has no sign for prints as a box, and scripts that join or run from right to left are not
//! shaped. Nothing here reads a clock, a file or the catalogue, and the same input gives the same bytes.
//!
//! Bounds: text is wrapped to its place and ends in an ellipsis where that is too small; bar codes are never shortened: one
//! that does not fit in its smallest size is refused ([`code128::NotEncodable`]).
//!
//! What is *not* here: which orders, nodes and people they are about (`api`), and who asks (`http`).

pub mod code128;
mod face;
pub mod gs1;
pub mod label;
pub mod paper;
pub mod pdf;
pub mod png;
pub mod qr;
pub mod raster;
pub mod sheet;
pub mod zpl;

#[cfg(test)]
mod tests;
