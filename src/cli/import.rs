//! `ordain import`: stream a file of items, nodes, stock, orders or orders that ended to a running server.
//!
//! The file goes over the wire as it is, CSV or JSON lines; the server reads it line by line and answers with every line
//! it refused and why. A bad line stops nothing unless `--strict`. What is *not* here: the shapes of the lines, which are
//! those of the API.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use futures_util::stream;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{End, Stop, runtime};
use crate::connectors::client::Client;

/// Bytes sent at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks read ahead of the server.
const CHUNKS_AHEAD: usize = 4;

/// Import a file into a running server.
#[derive(Debug, Args)]
pub struct Import {
    /// What the lines are.
    kind: Kind,
    /// CSV or JSON lines; `-` reads standard input.
    file: PathBuf,
    /// The server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7700")]
    url: String,
    /// How the lines are written [default: by the file's ending, else JSON lines].
    #[arg(long)]
    format: Option<Format>,
    /// Stop at the first line that is refused.
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Items,
    Nodes,
    Stock,
    Orders,
    /// Orders that ended, with their own dates and no stock effect.
    History,
    /// How addresses are written, country by country.
    #[value(name = "address_formats")]
    AddressFormats,
    /// Carriers with their services, zones and rates.
    Carriers,
    /// Calendars of nodes and countries.
    Calendars,
    /// Charts of zones by postal prefix.
    Zones,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Items => "items",
            Self::Nodes => "nodes",
            Self::Stock => "stock",
            Self::Orders => "orders",
            Self::AddressFormats => "address_formats",
            Self::History => "history",
            Self::Carriers => "carriers",
            Self::Calendars => "calendars",
            Self::Zones => "zones",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Ndjson,
}

impl Format {
    fn of(file: &Path) -> Self {
        let is_csv = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        if is_csv { Self::Csv } else { Self::Ndjson }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

impl Import {
    pub(super) fn run(self) -> Result<End, Stop> {
        let (source, bytes): (Box<dyn Read + Send>, Option<u64>) = if self.file == Path::new("-") {
            (Box::new(io::stdin()), None)
        } else {
            let name = || Stop::file(self.file.display().to_string());
            let file = File::open(&self.file).map_err(name())?;
            let bytes = file.metadata().map_err(name())?.len();
            (Box::new(file), Some(bytes))
        };
        let format = self.format.unwrap_or_else(|| Format::of(&self.file));
        let client = Client::new(&self.url)?;
        let progress = bytes.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let style = "{spinner} {wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}";
        progress.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));

        let path = format!("/v1/import/{}{}", self.kind.word(), if self.strict { "?strict=true" } else { "" });
        let answer = runtime()?.block_on(async {
            let chunks = read_ahead(source, progress.clone());
            client.stream(&path, format.content_type(), chunks).await
        });
        progress.finish_and_clear();
        let answer = answer?;
        if answer.body["accepted"].is_null() {
            return Err(Stop::Unexpected(format!("the server refused the import: {}", answer.detail())));
        }
        Ok(tell(&answer.body))
    }
}

/// The chunks of a source, read on a thread of their own and counted as they are taken.
fn read_ahead(
    mut source: Box<dyn Read + Send>,
    progress: ProgressBar,
) -> impl futures_util::Stream<Item = io::Result<Vec<u8>>> + Send + 'static {
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut chunk = vec![0; CHUNK_BYTES];
            let read = source.read(&mut chunk);
            let chunk = match read {
                Ok(0) => return,
                Ok(bytes) => {
                    chunk.truncate(bytes);
                    Ok(chunk)
                }
                Err(cause) => Err(cause),
            };
            // Nobody takes it any more: the server has answered before the end.
            if sender.blocking_send(chunk).is_err() {
                return;
            }
        }
    });
    stream::unfold((receiver, progress), |(mut receiver, progress)| async {
        let chunk: io::Result<Vec<u8>> = receiver.recv().await?;
        if let Ok(chunk) = &chunk {
            progress.inc(chunk.len() as u64);
        }
        Some((chunk, (receiver, progress)))
    })
}

/// Tells what the server answered: the sum on stdout, every refused line on stderr.
fn tell(report: &Value) -> End {
    for refusal in report["refused"].as_array().into_iter().flatten() {
        let text = |name: &str| refusal[name].as_str().unwrap_or_default();
        let field = refusal["field"].as_str().map_or_else(String::new, |field| format!("{field}: "));
        eprintln!("line {}: {}: {field}{}", refusal["line"], text("code"), text("detail"));
    }
    let told = report["refused"].as_array().map_or(0, Vec::len) as u64;
    let refused = report["refused_count"].as_u64().unwrap_or(told);
    if refused > told {
        eprintln!("further refused lines are counted, not told");
    }
    if let Some(line) = report["stopped_at"].as_u64() {
        eprintln!("stopped at line {line}: lines before it were taken in and stay");
    }
    println!("{} lines taken in, {refused} refused", report["accepted"]);
    if refused == 0 { End::Fine } else { End::Refused }
}
