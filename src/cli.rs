//! The command line: one subcommand per file, each a struct that runs.
//!
//! Exit codes: 0 fine, 1 refused or failed, 2 usage, 3 data damaged. Logs go to stderr, filtered by `RUST_LOG`; stdout
//! carries only what was asked for, so it can be piped.

mod backup;
mod check;
pub mod convert;
pub mod demo;
mod dump;
mod import;
mod replay;
mod serve;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::app::Failure;

/// A distributed order management engine: knows every unit of stock, promises it, reserves it without overselling, and
/// decides which places fulfil an order.
#[derive(Debug, Parser)]
#[command(name = "ordain", version, max_term_width = 100)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Import(import::Import),
    Convert(convert::Convert),
    Check(check::Check),
    Dump(dump::Dump),
    Backup(backup::Backup),
    Restore(backup::Restore),
    RebuildMark(check::RebuildMark),
    Replay(replay::Replay),
    Demo(demo::Demo),
    #[command(hide = true)]
    VerifyGeneration(check::VerifyGeneration),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All went well.
    Fine,
    /// Something was refused, or could not be done.
    Refused,
    /// The data directory is damaged.
    Damaged,
}

/// Why a command could not do its work; told on stderr.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The data directory.
    #[error(transparent)]
    App(#[from] Failure),
    /// A server does not answer.
    #[error(transparent)]
    Server(#[from] crate::connectors::client::Unanswered),
    /// A file or stream.
    #[error("{what}: {cause}")]
    File {
        /// Which.
        what: String,
        /// Why not.
        cause: std::io::Error,
    },
    /// Something that was expected to hold does not.
    #[error("{0}")]
    Unexpected(String),
}

/// Refuses a path where no data directory is: looking must not found one.
fn there(data: &Path) -> Result<(), Stop> {
    if ["FORMAT", "MARK", "wal"].iter().any(|part| data.join(part).exists()) {
        return Ok(());
    }
    Err(Stop::Unexpected(format!("{} is not a data directory of Ordain", data.display())))
}

/// A folder of this process for copies, inside `folder` or the system's folder for such.
fn scratch_folder(folder: Option<PathBuf>) -> PathBuf {
    folder.unwrap_or_else(std::env::temp_dir).join(format!("ordain-{}", std::process::id()))
}

impl Stop {
    /// A file or stream that failed.
    pub fn file(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |cause| Self::File { what, cause }
    }
}

/// Runs a command line, its first word being the program's name.
pub fn run(line: impl IntoIterator<Item = OsString>) -> ExitCode {
    let line = match Line::try_parse_from(line) {
        Ok(line) => line,
        Err(error) => {
            // Help and version are no errors; clap knows which stream each belongs to.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let ended = match line.command {
        Command::Serve(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Convert(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Dump(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Restore(command) => command.run(),
        Command::RebuildMark(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::VerifyGeneration(command) => command.run(),
    };
    match ended {
        Ok(End::Fine) => ExitCode::SUCCESS,
        Ok(End::Refused) => ExitCode::from(1),
        Ok(End::Damaged) => ExitCode::from(3),
        Err(stop) => {
            eprintln!("ordain: {stop}");
            let damaged = matches!(&stop, Stop::App(failure) if failure.is_damage());
            ExitCode::from(if damaged { 3 } else { 1 })
        }
    }
}

/// Log lines to stderr, `default` unless `RUST_LOG` says otherwise.
fn log_to_stderr(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    // A program that embeds the command line may have its own subscriber; then that one stays.
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = lines.with_ansi(std::io::stderr().is_terminal()).try_init();
}

/// The runtime of the front.
fn runtime() -> Result<tokio::runtime::Runtime, Stop> {
    tokio::runtime::Runtime::new().map_err(Stop::file("the runtime cannot start"))
}
