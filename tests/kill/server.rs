//! The process under test: started, told to stop, killed without warning, and its data directory checked.
//!
//! Promises: a server that ended by itself before it was killed is never taken for a killed one. What it writes to stderr
//! is kept beside its data. What is *not* here: what it should have kept.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Longest start that is allowed, recovery included.
pub const START_MAX: Duration = Duration::from_secs(10);

/// A data directory and the program that serves it.
pub struct Place {
    pub folder: PathBuf,
    /// Whether the log is a plain file instead of a sled database.
    pub plain: bool,
    /// Size of a generation of the log, and least growth before a snapshot.
    pub mib: u16,
}

/// A running process; killed when dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// From the start of the process until it listened.
    pub start: Duration,
}

/// The program under test.
pub fn binary() -> PathBuf {
    std::env::var_os("ORDAIN_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_ordain").into(), PathBuf::from)
}

impl Place {
    /// An empty data directory.
    pub fn new(folder: PathBuf, plain: bool) -> Self {
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        Self { folder, plain, mib: 1 }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log(&self) -> Stdio {
        let file = OpenOptions::new().append(true).create(true).open(self.folder.join("stderr"));
        file.expect("stderr can be kept").into()
    }

    /// What the log is written to.
    pub fn store(&self) -> &'static str {
        if self.plain { "plain" } else { "sled" }
    }

    fn command(&self) -> Command {
        let (mut command, mib) = (Command::new(binary()), self.mib.to_string());
        command.args(["serve", "--listen", "127.0.0.1:0", "--generation-mib", &mib, "--snapshot-mib", &mib]);
        // What has ended leaves memory at once, so that kills find the archive at work too.
        command.args(["--archive-after-s", "0", "--store", self.store(), "--data"]).arg(self.data());
        command.stdout(Stdio::piped()).stderr(self.log());
        command
    }

    fn spawn(&self) -> Child {
        self.command().spawn().expect("the binary runs")
    }

    /// Starts the server and waits until it listens.
    pub fn serve(&self) -> Server {
        self.serve_on(|_| {})
    }

    /// The same, with something put before the process.
    pub fn serve_on(&self, put_before: impl FnOnce(&mut Command)) -> Server {
        let (began, mut command) = (Instant::now(), self.command());
        put_before(&mut command);
        let mut child = command.spawn().expect("the binary runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("stdout can be read");
        let start = began.elapsed();
        let address = line.trim().strip_prefix("listening on http://").and_then(|address| address.parse().ok());
        let Some(address) = address else {
            let ended = child.wait();
            panic!("the server did not start ({ended:?}): {}", self.last_words());
        };
        Server { child, address, start }
    }

    /// Starts the server and kills it so much later, wherever it is by then.
    pub fn start_and_kill(&self, later: Duration) {
        let mut child = self.spawn();
        thread::sleep(later);
        let ended = child.try_wait().expect("the process is ours");
        assert!(ended.is_none(), "the server did not start ({ended:?}): {}", self.last_words());
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }

    /// What `ordain check` finds wrong; `None` when all is well.
    pub fn check(&self) -> Option<String> {
        let arguments = [Path::new("check"), "--data".as_ref(), &self.data(), "--scratch".as_ref(), &self.folder];
        let output = Command::new(binary()).args(arguments).stderr(self.log()).output().expect("the binary runs");
        let found = format!("{}: {}", output.status, String::from_utf8_lossy(&output.stdout));
        (!output.status.success()).then_some(found)
    }

    /// The end of what the processes wrote to stderr.
    pub fn last_words(&self) -> String {
        let text = std::fs::read(self.folder.join("stderr")).unwrap_or_default();
        String::from_utf8_lossy(&text[text.len().saturating_sub(2_000)..]).into_owned()
    }
}

impl Server {
    /// Kills it without warning; says so when it had ended before.
    pub fn kill(mut self) -> Result<(), String> {
        let ended = self.child.try_wait().map_err(|error| error.to_string())?;
        self.end();
        ended.map_or(Ok(()), |status| Err(format!("the server ended by itself: {status}")))
    }

    /// Tells it to stop, and kills it so much later wherever it is by then.
    pub fn stop_and_kill(mut self, later: Duration) -> Result<(), String> {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        told.map_err(|error| format!("the server cannot be told to stop: {error}"))?;
        thread::sleep(later);
        let ended = self.child.try_wait().map_err(|error| error.to_string())?;
        self.end();
        match ended {
            Some(status) if !status.success() => Err(format!("the server did not stop in order: {status}")),
            _ => Ok(()),
        }
    }

    /// Waits until it ends by itself; whoever needs it to end bounds its life.
    pub fn ended(mut self) -> ExitStatus {
        self.child.wait().expect("the process is ours")
    }

    fn end(&mut self) {
        // It may have ended already; there is nothing else to be done about it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}
