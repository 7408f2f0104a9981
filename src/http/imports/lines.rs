//! Lines and rows of an import, read from pieces of a body on a thread of their own.
//!
//! Every line or row gets its number in the file and becomes a command or a problem. A line that is too long or not text
//! is refused and the next one is read; a row of a table that is too long ends the reading, since where it ends cannot be
//! known.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use axum::body::Bytes;
use tokio::sync::mpsc;

use crate::api::import::{Columns, ImportKind};
use crate::api::json::Json;
use crate::api::problem::Problem;
use crate::domain::command::Command;

/// Longest line, in bytes.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;

/// How the lines are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// One JSON object per line.
    Ndjson,
    /// A table with a heading.
    Csv,
}

/// One line, and what it asks for.
pub struct Line {
    /// Number in the file, from 1.
    pub number: u64,
    /// What it asks for, or why it cannot.
    pub command: Result<Command, Problem>,
}

/// The pieces of a body as something to read from.
pub struct Pieces {
    arriving: mpsc::Receiver<Bytes>,
    piece: Bytes,
}

impl Pieces {
    /// From what arrives.
    pub fn new(arriving: mpsc::Receiver<Bytes>) -> Self {
        Self { arriving, piece: Bytes::new() }
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.arriving.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let bytes = into.len().min(self.piece.len());
        into[..bytes].copy_from_slice(&self.piece.split_to(bytes));
        Ok(bytes)
    }
}

impl Format {
    /// Reads to the end, or until `take` wants no more.
    pub fn read(self, kind: ImportKind, source: impl Read, take: impl FnMut(Line) -> bool) {
        match self {
            Self::Ndjson => ndjson(kind, source, take),
            Self::Csv => csv(kind, source, take),
        }
    }
}

fn too_long() -> Problem {
    Problem::new("body_too_large", format!("a line has at most {LINE_BYTES_MAX} bytes")).with("max", LINE_BYTES_MAX)
}

fn ndjson(kind: ImportKind, source: impl Read, mut take: impl FnMut(Line) -> bool) {
    let mut source = BufReader::with_capacity(64 * 1024, source);
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        let read = (&mut source).take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut line);
        if !matches!(read, Ok(bytes) if bytes > 0) {
            return;
        }
        number += 1;
        let command = if line.len() > LINE_BYTES_MAX && !line.ends_with(b"\n") {
            // The rest of the line has no meaning; a failed read shows again with the next line.
            let _ = source.skip_until(b'\n');
            Err(too_long())
        } else if line.trim_ascii().is_empty() {
            continue;
        } else {
            Json::parse(&line).map_err(Problem::from).and_then(|json| kind.command(json))
        };
        if !take(Line { number, command }) {
            return;
        }
    }
}

/// A source that fails when one row takes too much of it.
struct Metered<R> {
    source: R,
    since_row: Rc<Cell<usize>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.since_row.get() > LINE_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let bytes = self.source.read(into)?;
        self.since_row.set(self.since_row.get() + bytes);
        Ok(bytes)
    }
}

fn csv(kind: ImportKind, source: impl Read, mut take: impl FnMut(Line) -> bool) {
    let since_row = Rc::new(Cell::new(0));
    let mut table = csv::Reader::from_reader(Metered { source, since_row: since_row.clone() });
    let heading = table.headers().map_err(|error| told(&error)).and_then(|heading| Columns::parse(heading.iter()));
    let columns = match heading {
        Ok(columns) => columns,
        Err(problem) => {
            take(Line { number: 1, command: Err(problem) });
            return;
        }
    };
    let mut row = csv::StringRecord::new();
    loop {
        since_row.set(0);
        let number = table.position().line();
        let (command, ends) = match table.read_record(&mut row) {
            Ok(false) => return,
            Ok(true) => (kind.command(columns.object(row.iter())), false),
            Err(error) => (Err(told(&error)), matches!(error.kind(), csv::ErrorKind::Io(_))),
        };
        if !take(Line { number, command }) || ends {
            return;
        }
    }
}

fn told(error: &csv::Error) -> Problem {
    match error.kind() {
        csv::ErrorKind::Io(_) => too_long(),
        csv::ErrorKind::Utf8 { .. } => Problem::new("malformed_table", "the row is not UTF-8"),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            Problem::new("malformed_table", format!("the row has {len} cells, the heading {expected_len}"))
        }
        _ => Problem::new("malformed_table", "the row cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: Format, text: &[u8]) -> Vec<(u64, Result<(), &'static str>)> {
        let mut lines = Vec::new();
        format.read(ImportKind::Stock, text, |line| {
            lines.push((line.number, line.command.map(drop).map_err(|problem| problem.code)));
            true
        });
        lines
    }

    #[test]
    fn good_lines_follow_bad_ones() {
        let good = r#"{"sku":"A","node":"n","on_hand":1}"#;
        let long = format!("{{\"sku\":\"{}\"}}", "x".repeat(LINE_BYTES_MAX));
        let text = format!("{good}\nnonsense\n\n{long}\n{good}\r\n{{\"sku\":\"A\"}}\n{good}");
        let wanted = vec![
            (1, Ok(())),
            (2, Err("malformed_json")),
            (4, Err("body_too_large")),
            (5, Ok(())),
            (6, Err("validation_failed")),
            (7, Ok(())),
        ];
        assert_eq!(read(Format::Ndjson, text.as_bytes()), wanted);
        assert_eq!(read(Format::Ndjson, b"\xff\xfe\n"), vec![(1, Err("malformed_json"))]);
    }

    #[test]
    fn rows_are_read_with_their_quotes_and_numbers() {
        let text = b"sku,node,on_hand\n\"A, the \"\"first\"\"\",n,1\nA,n\n\"two\nlines\",n,x\nB,n,0\n";
        let wanted = vec![(2, Ok(())), (3, Err("malformed_table")), (4, Err("validation_failed")), (6, Ok(()))];
        assert_eq!(read(Format::Csv, text), wanted);
    }

    #[test]
    fn a_row_without_end_is_not_kept_in_memory() {
        let text = format!("sku,node,on_hand\nA,n,1\n\"{}", "x\n".repeat(LINE_BYTES_MAX * 2));
        let lines = read(Format::Csv, text.as_bytes());
        assert_eq!(lines, vec![(2, Ok(())), (3, Err("body_too_large"))]);
    }

    #[test]
    fn every_line_is_read_or_refused() {
        crate::fuzzing::fuzz(
            "lines",
            |_| {},
            |bytes| {
                for format in [Format::Ndjson, Format::Csv] {
                    for kind in [
                        ImportKind::Items,
                        ImportKind::Nodes,
                        ImportKind::Stock,
                        ImportKind::Orders,
                        ImportKind::History,
                        ImportKind::AddressFormats,
                        ImportKind::Carriers,
                        ImportKind::Calendars,
                        ImportKind::Zones,
                    ] {
                        format.read(kind, bytes, |line| {
                            assert!(line.number > 0);
                            true
                        });
                    }
                }
            },
        );
    }

    #[test]
    fn a_heading_that_names_no_fields_is_told_once() {
        assert_eq!(read(Format::Csv, b"sku,,x\n1,2,3\n"), vec![(1, Err("malformed_table"))]);
        assert_eq!(read(Format::Csv, b"sku,node,on_hand\n"), vec![]);
    }
}
