//! The binary: hands the command line over and ends with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ordain::cli::run(std::env::args_os())
}
