//! The binary: hands the command line over and ends with its exit code.

use std::process::ExitCode;

/// A request makes many small blocks, and threads free what others made: journal, views, clock.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ordain::cli::run(std::env::args_os())
}
